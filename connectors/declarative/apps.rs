//! The services that Syncline reads out of the box: manifests of our own in `connectors/manifests`, embedded as text
//! and parsed when one is used.

use super::Declarative;

/// A service of the catalogue.
pub struct App {
    /// What project files call it.
    pub name: &'static str,
    /// What people call it.
    pub title: &'static str,
    /// The version of our manifest; recorded with each run.
    pub version: &'static str,
    /// Other words people search for.
    pub aliases: &'static [&'static str],
    /// One line on what it reads.
    pub about: &'static str,
    /// The manifest.
    pub manifest: &'static str,
    /// A small drawing (SVG).
    pub icon: &'static str,
}

macro_rules! apps {
    ($($name:literal $title:literal $version:literal [$($alias:literal),*] $about:literal;)*) => {
        /// All of them, in the order they should be listed.
        pub static APPS: &[App] = &[$(App {
            name: $name,
            title: $title,
            version: $version,
            aliases: &[$($alias),*],
            about: $about,
            manifest: include_str!(concat!("../manifests/", $name, "/manifest.yaml")),
            icon: include_str!(concat!("../manifests/", $name, "/icon.svg")),
        }),*];
    };
}

apps! {
    "airtable" "Airtable" "1.0.0" ["base", "spreadsheet"] "Every table of your bases, with a column for each field";
    "asana" "Asana" "1.0.0" ["tasks", "projects"] "Tasks, projects, sections and users";
    "github" "GitHub" "1.0.0" ["git", "repository", "issues"] "Issues, pull requests, commits and releases of repositories";
    "gitlab" "GitLab" "1.0.0" ["git", "repository", "issues"] "Issues, merge requests, pipelines and commits of projects";
    "google-analytics" "Google Analytics 4" "1.0.0" ["ga4", "ga", "web analytics"] "Daily users, sessions, sources, pages and events of a property";
    "google-sheets" "Google Sheets" "1.0.0" ["spreadsheet", "gsheet", "excel"] "Every sheet of a spreadsheet; the first row names the columns";
    "hubspot" "HubSpot" "1.0.0" ["crm", "contacts", "deals"] "Contacts, companies, deals and tickets of the CRM";
    "intercom" "Intercom" "1.0.0" ["support", "chat", "helpdesk"] "Contacts, conversations, companies and articles";
    "jira" "Jira" "1.0.0" ["atlassian", "issues", "tickets"] "Issues, comments, worklogs, sprints and projects";
    "klaviyo" "Klaviyo" "1.0.0" ["email", "marketing"] "Profiles, events, campaigns, flows and lists";
    "linear" "Linear" "1.0.0" ["issues", "tickets"] "Issues, comments, projects, cycles and teams";
    "mailchimp" "Mailchimp" "1.0.0" ["email", "newsletter", "marketing"] "Audiences, members, campaigns and their reports";
    "notion" "Notion" "1.0.0" ["wiki", "pages"] "Pages, databases, blocks and users";
    "pipedrive" "Pipedrive" "1.0.0" ["crm", "deals"] "Deals, persons, organizations and activities";
    "quickbooks" "QuickBooks Online" "1.0.0" ["intuit", "accounting", "invoices"] "Customers, invoices, payments, bills and journal entries";
    "salesforce" "Salesforce" "1.0.0" ["crm", "sfdc", "soql"] "Any objects with all their fields, small ones by REST, large ones by Bulk API 2.0";
    "sendgrid" "SendGrid" "1.0.0" ["twilio", "email"] "Bounces, blocks, spam reports, lists and single sends";
    "shopify" "Shopify" "1.0.0" ["shop", "orders", "e-commerce"] "Orders, customers, products and inventory";
    "slack" "Slack" "1.0.0" ["chat", "messages"] "Messages, threads, channels and users";
    "stripe" "Stripe" "1.0.0" ["payments", "billing", "subscriptions"] "Customers, charges, invoices, subscriptions and balance";
    "twilio" "Twilio" "1.0.0" ["sms", "calls"] "Messages, calls, recordings and daily usage";
    "typeform" "Typeform" "1.0.0" ["forms", "survey"] "Forms, their questions and responses";
    "xero" "Xero" "1.0.0" ["accounting", "invoices"] "Invoices, contacts, payments, bank transactions and accounts";
    "zendesk" "Zendesk Support" "1.0.0" ["tickets", "helpdesk", "support"] "Tickets, comments, users, organizations and ratings";
}

/// The connectors of all services.
pub fn connectors() -> impl Iterator<Item = Declarative> {
    APPS.iter().map(Declarative::app)
}

/// The service that project files call `name`.
pub fn find(name: &str) -> Option<&'static App> {
    APPS.iter().find(|app| app.name == name)
}
