//! Writes the TypeScript form of the table: `ui/src/api/generated.ts`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use ts_rs::{Config, TS, TypeVisitor};

use crate::error::{ApiError, KINDS, action};
use crate::requests::{CacheTag, REQUESTS, ServerEvent};

/// The types that have been met, by name.
pub(crate) struct Types {
    config: Config,
    declarations: BTreeMap<String, String>,
}

impl Types {
    fn new() -> Self {
        // Counts stay below 2^53; what may not is text already.
        Types { config: Config::new().with_large_int("number"), declarations: BTreeMap::new() }
    }

    /// The name of a type, which is declared with all that it consists of.
    pub(crate) fn name_of<T: TS + 'static>(&mut self) -> String {
        self.visit::<T>();
        T::name(&self.config)
    }
}

impl TypeVisitor for Types {
    fn visit<T: TS + 'static + ?Sized>(&mut self) {
        // Only types that are declared somewhere have a path; lists and options of them have none.
        if T::output_path().is_some() {
            let name = T::ident(&self.config);
            if self.declarations.contains_key(&name) {
                return;
            }
            let docs = T::docs().unwrap_or_default();
            let declaration = tidy(&format!("{docs}export {}", T::decl(&self.config)));
            self.declarations.insert(name, declaration);
        }
        T::visit_generics(self);
        T::visit_dependencies(self);
    }
}

/// The whole file.
pub fn typescript() -> String {
    let mut types = Types::new();
    let requests: Vec<_> = REQUESTS.iter().map(|request| (request, (request.types)(&mut types))).collect();
    types.name_of::<ServerEvent>();
    types.name_of::<ApiError>();
    types.name_of::<CacheTag>();

    let mut text = String::from(
        "// Made by `cargo xtask codegen` from src-tauri/crates/api. Do not edit; a test compares it.\n\n",
    );
    // Writing to a String cannot fail.
    for declaration in types.declarations.values() {
        let _ = writeln!(text, "{declaration}\n");
    }
    text.push_str("/** What can be asked, by name. */\nexport interface Requests {\n");
    for (info, (request, response)) in &requests {
        let _ = writeln!(text, "  /** {} */", info.doc.trim());
        let _ = writeln!(text, "  \"{}\": {{ request: {request}; response: {response} }};", info.name);
    }
    text.push_str(
        "}\n\n/** Which cached answers belong to a request, and which are out of date after it. */\n",
    );
    text.push_str(
        "export const requestTags: { [Name in keyof Requests]: { provides: readonly CacheTag[]; invalidates: readonly CacheTag[] } } = {\n",
    );
    for (info, _) in &requests {
        let _ = writeln!(
            text,
            "  \"{}\": {{ provides: {}, invalidates: {} }},",
            info.name,
            tags(info.provides),
            tags(info.invalidates)
        );
    }
    text.push_str("};\n");
    fix_actions(&mut text);
    text
}

/// What a window can do about a failure of a run, which only knows its kind.
fn fix_actions(text: &mut String) {
    text.push_str(
        "\n/** What a window can do about a failure of this kind, for its most likely fix. */\nexport const fixActions: Readonly<Record<ErrorKind, FixAction | null>> = {\n",
    );
    for kind in KINDS {
        let word = |value: Result<String, _>| value.unwrap_or_default();
        let kind_word = word(serde_json::to_string(kind)).replace('"', "");
        let _ = writeln!(text, "  {kind_word}: {},", word(serde_json::to_string(&action(*kind))));
    }
    text.push_str("};\n");
}

/// Comments of one line on one line, members indented, no spaces at ends of lines.
fn tidy(declaration: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut comment: Vec<&str> = Vec::new();
    let mut inside = false;
    for line in declaration.lines().map(str::trim_end) {
        let indent = if inside { "  " } else { "" };
        match line.trim_start() {
            "/**" => comment.clear(),
            "*/" => match comment.as_slice() {
                [one] => lines.push(format!("{indent}/** {one} */")),
                many => {
                    lines.push(format!("{indent}/**"));
                    lines.extend(many.iter().map(|line| format!("{indent} * {line}").trim_end().to_owned()));
                    lines.push(format!("{indent} */"));
                }
            },
            rest if rest == "*" || rest.starts_with("* ") => comment.push(rest[1..].trim_start()),
            _ => {
                lines.push(format!("{indent}{line}"));
                inside = true;
            }
        }
    }
    lines.join("\n")
}

fn tags(tags: &[CacheTag]) -> String {
    serde_json::to_string(tags).unwrap_or_default().replace(',', ", ")
}
