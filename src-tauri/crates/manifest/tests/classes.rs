//! The ports of Python classes, each as its connector uses it: bodies as the API sends them, through the whole of reading,
//! against what the class of the connector makes of them. (Records have no fields at the top that are null: the reference
//! does not hand them on either.)

use reqwest::header::HeaderMap;
use serde_json::{Value, json};
use syncline_manifest::http::client::Prepared;

use crate::world::{Said, World, manifest, ok, stream};

fn class(kind: &str, name: &str, fields: Value) -> Value {
    let mut component =
        json!({"type": kind, "class_name": format!("source_declarative_manifest.components.{name}")});
    component.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    component
}

fn extracting(name: &str, fields: Value) -> Value {
    let mut stream = stream();
    stream["retriever"]["record_selector"]["extractor"] = class("CustomRecordExtractor", name, fields);
    stream
}

/// Reads a stream whose API says this, and nothing else.
async fn records(stream: Value, body: &Value) -> Vec<Value> {
    let what = stream.to_string();
    let read = World::of(body.to_string()).read(&manifest(stream), json!({"day": "on"})).await;
    read.unwrap_or_else(|error| panic!("{what}: {error:?}")).0.records
}

#[tokio::test]
#[allow(clippy::too_many_lines)] // a table of cases
async fn extractors_make_records_of_what_is_none() {
    for (name, fields, body, expected) in [
        (
            "WrappingDpathExtractor",
            json!({"field_path": []}),
            json!([1, "a"]),
            json!([{"data": 1}, {"data": "a"}]),
        ),
        (
            "LabelsRecordExtractor",
            json!({"field_path": ["values"]}),
            json!({"values": ["x"]}),
            json!([{"label": "x"}]),
        ),
        (
            "EventsRecordExtractor",
            json!({"field_path": ["events"]}),
            json!({"events": ["x"]}),
            json!([{"event_name": "x"}]),
        ),
        ("EventsRecordExtractor", json!({"field_path": ["events"]}), json!({"message": "none"}), json!([])),
        ("CustomExtractor", json!({}), json!({"categories": ["x"]}), json!([{"name": "x"}])),
        (
            "NullCheckedDpathExtractor",
            json!({"field_path": ["data", "*"], "nullable_nested_field": "data"}),
            json!({"data": [{"id": 1, "data": {"id": 1, "a": 2}}, {"id": 2, "item": "file", "data": null}, {"id": 3}]}),
            json!([{"id": 1, "a": 2}, {"id": 2, "item": "file"}, {"id": 3}]),
        ),
        (
            "ObjectDpathExtractor",
            json!({"field_path": ["t"], "inject_key_as_field": "{{ config['day'] }}"}),
            json!({"t": {"2024-01-01": {"v": 1}, "2024-01-02": {"v": 2}}}),
            json!([{"on": "2024-01-01", "v": 1}, {"on": "2024-01-02", "v": 2}]),
        ),
        (
            "ObjectDpathExtractor",
            json!({"field_path": ["t"]}),
            json!({"t": {"a": {"v": 1}, "b": 2}}),
            json!([{"a": {"v": 1}, "b": 2}]),
        ),
        ("PocketExtractor", json!({}), json!({"list": {"7": {"id": 7}}}), json!([{"id": 7}])),
        ("PocketExtractor", json!({}), json!({"list": [{"id": 7}]}), json!([{"id": 7}])),
        ("PocketExtractor", json!({}), json!({"status": 2}), json!([])),
        (
            "MailChimpRecordExtractorEmailActivity",
            json!({"field_path": ["emails"]}),
            json!({"emails": [{"id": 1, "activity": [{"a": 1}, {"a": 2}]}, {"id": 2, "activity": []}, {"id": 3}]}),
            json!([{"id": 1, "a": 1}, {"id": 1, "a": 2}]),
        ),
        (
            "EventsRecordExtractor",
            json!({"field_path": []}),
            json!([{"_type": "x", "email": "e", "own": 1}]),
            json!([{"_type": "x", "email": "e", "data": {"own": 1}}]),
        ),
        (
            "UsersRecordExtractor",
            json!({"field_path": []}),
            json!([{"email": "e", "signupDate": "2021-04-14 16:52:31 +00:00", "own": 1}]),
            json!([{"email": "e", "signupDate": "2021-04-14T16:52:31+00:00", "data": {"own": 1}}]),
        ),
        (
            "CustomExtractor",
            json!({"field_path": ["x"]}),
            json!({"x": [{"at": "/Date(1419937200000+0130)/", "in": {"at": "/Date(-1000)/"},
                "list": ["/Date(0)/", {"at": "/Date(0-0100)/"}], "plain": "2014-12-30T12:30:00"}]}),
            json!([{"at": "2014-12-30T12:30:00+00:00", "in": {"at": "1969-12-31T23:59:59+00:00"},
                "list": ["/Date(0)/", {"at": "1969-12-31T23:00:00+00:00"}], "plain": "2014-12-30T12:30:00"}]),
        ),
        (
            "USCensusRecordExtractor",
            json!({}),
            json!([["NAME", "POP"], ["Alabama, \"x\"", "4"], ["Alaska", null], ["Ohio", 7]]),
            json!([{"NAME": "Alabama, \"x\"", "POP": "4"}, {"NAME": "Alaska", "POP": "null"}, {"NAME": "Ohio", "POP": "7"}]),
        ),
        (
            "AverageSessionLengthRecordExtractor",
            json!({}),
            json!({"data": {"series": [[1.5, 2]], "xValues": ["d1", "d2"]}}),
            json!([{"date": "d1", "length": 1.5}, {"date": "d2", "length": 2}]),
        ),
        (
            "ActiveUsersRecordExtractor",
            json!({}),
            json!({"data": {"series": [[1, 2], [3, 4]], "seriesLabels": ["a", "b"], "xValues": ["d1", "d2"]}}),
            json!([{"date": "d1", "statistics": {"a": 1, "b": 3}}, {"date": "d2", "statistics": {"a": 2, "b": 4}}]),
        ),
        ("ActiveUsersRecordExtractor", json!({}), json!({"data": {"series": [], "xValues": []}}), json!([])),
        (
            "IVRMenusRecordExtractor",
            json!({}),
            json!({"ivrs": [{"id": 1, "menus": [{"id": 2, "routes": []}]}, {"id": 3}]}),
            json!([{"ivr_id": 1, "id": 2, "routes": []}]),
        ),
        (
            "IVRRoutesRecordExtractor",
            json!({}),
            json!({"ivrs": [{"id": 1, "menus": [{"id": 2, "routes": [{"id": 5}, {"id": 6}]}, {"id": 3}]}]}),
            json!([{"ivr_id": 1, "ivr_menu_id": 2, "id": 5}, {"ivr_id": 1, "ivr_menu_id": 2, "id": 6}]),
        ),
        ("ExportDatesExtractor", json!({}), json!({"dates": ["d"]}), json!([{"dates": ["d"]}])),
        ("ExportDatesExtractor", json!({}), json!({}), json!([{"dates": []}])),
    ] {
        let found = records(extracting(name, fields), &body).await;
        assert_eq!(Value::Array(found), expected, "{name} of {body}");
    }
}

fn transforming(name: &str, fields: Value, properties: Value) -> Value {
    let mut stream = stream();
    stream["transformations"] = json!([class("CustomTransformation", name, fields)]);
    stream["schema_loader"] =
        json!({"type": "InlineSchemaLoader", "schema": {"type": "object", "properties": properties}});
    stream
}

#[tokio::test]
async fn transformations_change_records_as_their_apis_need_it() {
    let date = |format: &str| json!({"type": ["null", "string"], "format": format});
    for (name, fields, properties, record, expected) in [
        (
            "CustomFieldTransformation",
            json!({}),
            json!({"id": {}, "custom_fields": {"type": "array"}}),
            json!({"id": 1, "cf_size": "L", "cf_none": null, "acf": 2}),
            json!({"id": 1, "acf": 2, "custom_fields": [{"name": "cf_size", "value": "L"}, {"name": "cf_none", "value": null}]}),
        ),
        (
            "CustomFieldTransformation",
            json!({}),
            json!({"at": date("date-time"), "on": date("date"), "text": {"type": "string"}}),
            json!({"id": 1, "at": "0000-00-00 00:00:00", "on": "0000-00-00", "text": "0000-00-00"}),
            json!({"id": 1, "text": "0000-00-00"}),
        ),
        (
            "CustomFieldTransformation",
            json!({}),
            json!({"at": date("date-time"), "on": date("date")}),
            json!({"id": 1, "at": "2024-02-29 10:00:00", "on": "1999-12-31", "cf_kept": 1}),
            json!({"id": 1, "at": "2024-02-29 10:00:00", "on": "1999-12-31", "cf_kept": 1}),
        ),
        (
            "TransformDatetimesToRFC3339",
            json!({}),
            json!({}),
            json!({"event_time": "2024-02-29 23:59:59.123000", "processed_time": null, "server_upload_time": "",
                "client_event_time": "2024-02-29 23:59:59", "other": "2024-02-29 23:59:59"}),
            json!({"event_time": "2024-02-29T23:59:59.123000+00:00", "server_upload_time": "",
                "client_event_time": "2024-02-29T23:59:59+00:00", "other": "2024-02-29 23:59:59"}),
        ),
        (
            "DateTimeTransformer",
            json!({"fields": [{"path": ["made"], "value": "{{ record['date'] }}"}]}),
            json!({}),
            json!({"date": "Fri, 01 Jan 2021 00:30:00 +0200"}),
            json!({"date": "Fri, 01 Jan 2021 00:30:00 +0200", "made": "2021-01-01T00:30:00+02:00"}),
        ),
        (
            "ListAddFields",
            json!({"fields": [{"path": ["updates_ids"], "value": "{{ record['updates'] }}", "value_type": "string"}]}),
            json!({}),
            json!({"updates": [{"id": "a"}, {"id": "b", "x": 1}, {"x": 2}]}),
            json!({"updates": [{"id": "a"}, {"id": "b", "x": 1}, {"x": 2}], "updates_ids": ["a", "b", null]}),
        ),
        (
            "TransformToRecordComponent",
            json!({"fields": [{"path": ["name", "first"], "value": "{{ record }}"}]}),
            json!({}),
            json!("some event"),
            json!({"name": {"first": "some event"}}),
        ),
        (
            "TransformEmptyMetrics",
            json!({}),
            json!({}),
            json!({"id": "-", "metrics": {"clicks": "-", "spend": "1.5", "rate": "--"}}),
            json!({"id": "-", "metrics": {"clicks": null, "spend": "1.5", "rate": "--"}}),
        ),
        ("TransformEmptyMetrics", json!({}), json!({}), json!({"id": 1}), json!({"id": 1})),
        (
            "RemoveEmptyFields",
            json!({"field_pointers": ["fields", "missing"]}),
            json!({}),
            json!({"fields": {"a": null, "b": {"c": null}, "d": 0}, "other": {"x": null}}),
            json!({"fields": {"b": {"c": null}, "d": 0}, "other": {"x": null}}),
        ),
    ] {
        let stream = transforming(name, fields, properties);
        let found = records(stream, &json!([record])).await;
        assert_eq!(found, [expected], "{name} of {record}");
    }
}

#[tokio::test]
async fn a_time_that_is_none_is_told_and_not_loaded() {
    let stream = transforming("TransformDatetimesToRFC3339", json!({}), json!({}));
    let world = World::of(json!([{"event_time": "yesterday"}]).to_string());
    let error = world.read(&manifest(stream), json!({})).await.unwrap_err();
    assert!(error.message().contains("time that cannot be read"), "{error:?}");
}

#[tokio::test]
async fn times_of_mails_are_read_where_the_schema_says_time() {
    let mut stream = stream();
    stream["retriever"]["record_selector"]["schema_normalization"] =
        class("CustomSchemaNormalization", "TwilioDateTimeTypeTransformer", json!({}));
    let time = json!({"type": ["null", "string"], "format": "date-time"});
    stream["schema_loader"] = json!({"type": "InlineSchemaLoader", "schema": {"type": "object", "properties": {
        "mail": time.clone(), "iso": time.clone(), "list": {"type": "array", "items": time}, "text": {"type": "string"}}}});
    let body = json!([{"mail": "Fri, 11 Dec 2020 04:28:40 +0100", "iso": "2020-12-11T04:29:09Z",
        "text": "Fri, 11 Dec 2020 04:28:40 +0000", "list": ["Fri, 11 Dec 2020 04:28:40 +0000"]}]);
    let found = records(stream, &body).await;
    let expected = json!({"mail": "2020-12-11T03:28:40Z", "iso": "2020-12-11T04:29:09Z",
        "text": "Fri, 11 Dec 2020 04:28:40 +0000", "list": ["2020-12-11T04:28:40Z"]});
    assert_eq!(found, [expected]);
}

/// A text in the query of a request.
fn parameter(request: &Prepared, name: &str) -> Option<String> {
    request.url.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
}

#[tokio::test]
async fn the_days_of_a_window_are_told_so_that_no_day_is_left_out() {
    let mut stream = stream();
    let option =
        |name: &str| json!({"type": "RequestOption", "inject_into": "request_parameter", "field_name": name});
    stream["incremental_sync"] = class(
        "CustomIncrementalSync",
        "DatetimeIncrementalSyncComponent",
        json!({"cursor_field": "time", "datetime_format": "%Y-%m-%d", "start_datetime": "2024-01-01",
            "end_datetime": "2024-01-24", "step": "P14D", "cursor_granularity": "P1D",
            "end_time_option": option("ending_at"), "step_option": option("length")}),
    );
    // The API gives so many days that end with this one.
    let world = World::new(|request| {
        let end: jiff::civil::Date = parameter(request, "ending_at")?.parse().ok()?;
        let length: i64 = parameter(request, "length")?.parse().ok()?;
        let day = |back: i64| json!({"id": 1, "time": (end - jiff::Span::new().days(back)).to_string()});
        ok(&(0..length).rev().map(day).collect())
    });
    let (got, asked) = world.read(&manifest(stream), json!({})).await.unwrap();
    let windows: Vec<_> = asked
        .iter()
        .map(|request| (parameter(request, "ending_at").unwrap(), parameter(request, "length").unwrap()))
        .collect();
    assert_eq!(
        windows,
        [("2024-01-14", "14"), ("2024-01-24", "10")].map(|(end, days)| (end.to_owned(), days.to_owned()))
    );
    let days: Vec<&str> = got.records.iter().map(|record| record["time"].as_str().unwrap()).collect();
    assert_eq!((days.len(), days[0], days[23]), (24, "2024-01-01", "2024-01-24"));
    assert_eq!(got.state, json!({"time": "2024-01-24"}));
}

#[tokio::test]
async fn an_api_with_a_daily_limit_is_left_alone_until_midnight() {
    let mut stream = stream();
    stream["retriever"]["requester"]["error_handler"] = json!({"type": "DefaultErrorHandler",
        "backoff_strategies": [class("CustomBackoffStrategy", "WaitUntilMidnightBackoffStrategy", json!({}))]});
    let refused = std::sync::atomic::AtomicBool::new(false);
    let world = World::new(move |_| match refused.swap(true, std::sync::atomic::Ordering::SeqCst) {
        false => Some(Said::with(429, "{}")),
        true => ok(&json!([{"id": 1}])),
    });
    // The clock of these tests stands three seconds before midnight.
    let (got, asked) = world.at_full_length().read(&manifest(stream), json!({})).await.unwrap();
    assert_eq!((got.records.len(), asked.len()), (1, 2));
    assert!(got.waited.iter().any(|why| why.contains("Next try at 00:00:0")), "{:?}", got.waited);
}

#[tokio::test]
async fn a_page_that_says_the_key_is_wrong_is_no_answer() {
    let mut stream = extracting("USCensusRecordExtractor", json!({}));
    stream["retriever"]["requester"]["error_handler"] =
        class("CustomErrorHandler", "USCensusErrorHandler", json!({}));
    let page = "<html><title>Invalid Key</title></html>";
    let error = World::of(page).read(&manifest(stream.clone()), json!({})).await.unwrap_err();
    assert!(error.message().contains("web page"), "{error:?}");
    let table = json!([["NAME"], ["Ohio"]]);
    assert_eq!(records(stream, &table).await, [json!({"NAME": "Ohio"})]);
}

/// What the requests of a read had for headers, and what they signed in with.
struct SignedIn {
    login: Prepared,
    headers: HeaderMap,
}

async fn signed_in(name: &str, fields: Value, config: Value) -> SignedIn {
    let mut stream = stream();
    stream["retriever"]["requester"]["authenticator"] = class("CustomAuthenticator", name, fields);
    let world = World::new(|request| match request.url.host_str() {
        Some("api.example.test") => ok(&json!([{"id": 1}])),
        _ => ok(&json!({"access_token": "t0ken", "accessToken": "t0ken", "expires_in": 3600})),
    });
    let (_, mut asked) = world.read(&manifest(stream), config).await.unwrap();
    assert_eq!(asked.len(), 2, "{name}: {asked:?}");
    let (request, login) = (asked.pop().unwrap(), asked.pop().unwrap());
    SignedIn { login, headers: request.headers }
}

fn header<'h>(headers: &'h HeaderMap, name: &str) -> &'h str {
    headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
}

fn text(request: &Prepared) -> String {
    String::from_utf8(request.body.clone().unwrap_or_default().to_vec()).unwrap()
}

#[tokio::test]
async fn authenticators_sign_in_as_their_apis_want() {
    let config = json!({"domain": "x.looker.example", "client_id": "me", "client_secret": "s3cret"});
    let looker = signed_in("LookerAuthenticator", json!({}), config).await;
    assert_eq!(looker.login.url.as_str(), "https://x.looker.example/api/4.0/login");
    assert_eq!(
        (looker.login.method.as_str(), text(&looker.login).as_str()),
        ("POST", "client_id=me&client_secret=s3cret")
    );
    assert_eq!(header(&looker.headers, "authorization"), "token t0ken");

    let fields = json!({"username": "me", "password": "p", "legal_entity": "l", "grant_type": "password",
        "client_id": "c", "scope": "s"});
    for (config, host) in [
        (json!({}), "younium-identity-server.azurewebsites.net"),
        (json!({"playground": true}), "younium-identity-server-sandbox.azurewebsites.net"),
    ] {
        let younium = signed_in("CustomYouniumAuthenticator", fields.clone(), config).await;
        assert_eq!(younium.login.url.as_str(), format!("https://{host}/connect/token"));
        assert_eq!(
            text(&younium.login),
            "username=me&password=p&legal_entity=l&grant_type=password&client_id=c&scope=s"
        );
        assert_eq!(header(&younium.headers, "authorization"), "Bearer t0ken");
        assert_eq!(header(&younium.headers, "content-type"), "application/json");
    }

    let hours = signed_in("CustomAuthenticator", json!({"email": "m@x", "password": "p"}), json!({})).await;
    assert_eq!(hours.login.url.as_str(), "https://api2.myhours.com/api/tokens/login");
    let body: Value = serde_json::from_str(&text(&hours.login)).unwrap();
    assert_eq!(body, json!({"email": "m@x", "password": "p", "grantType": "password", "clientId": "api"}));
    assert_eq!(header(&hours.headers, "authorization"), "Bearer t0ken");
    assert_eq!(header(&hours.headers, "api-version"), "1.0");
}

#[tokio::test]
async fn routers_take_what_the_settings_name_before_they_ask() {
    let parent = |path: &str| {
        let mut stream = stream();
        stream["name"] = json!(path);
        stream["retriever"]["requester"]["path"] = json!(path);
        json!({"type": "ParentStreamConfig", "stream": stream, "parent_key": "id", "partition_field": "of"})
    };
    let parameters = |name: &str, value: Value| json!({"$parameters": {name: value}});
    for (name, more, config, expected) in [
        ("SurveyIdPartitionRouter", json!({}), json!({"survey_ids": ["a", "b"]}), vec!["/of/a", "/of/b"]),
        ("SurveyIdPartitionRouter", json!({}), json!({}), vec!["/of/1", "/of/2"]),
        (
            "ZenloopPartitionRouter",
            parameters("config_parent_field", json!("survey_id")),
            json!({"survey_id": "z"}),
            vec!["/of/z"],
        ),
        (
            "ZenloopPartitionRouter",
            parameters("config_parent_field", json!("survey_id")),
            json!({}),
            vec!["/of/1", "/of/2"],
        ),
        (
            "SingleAdvertiserIdPerPartition",
            parameters(
                "path_in_config",
                json!([["credentials", "advertiser_id"], ["environment", "advertiser_id"]]),
            ),
            json!({"environment": {"advertiser_id": "7"}}),
            vec!["/of/7"],
        ),
    ] {
        let mut stream = stream();
        stream["retriever"]["requester"]["path"] = json!("/of/{{ stream_partition.of }}");
        let mut router =
            class("CustomPartitionRouter", name, json!({"parent_stream_configs": [parent("/parents")]}));
        router.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        stream["retriever"]["partition_router"] = router;
        let world = World::new(|request| match request.url.path() {
            "/parents" => ok(&json!([{"id": "1"}, {"id": "2"}])),
            _ => ok(&json!([{"id": 1}])),
        });
        let (_, asked) = world.read(&manifest(stream), config.clone()).await.unwrap();
        let mut of: Vec<&str> =
            asked.iter().map(|request| request.url.path()).filter(|path| path.starts_with("/of/")).collect();
        of.sort_unstable();
        assert_eq!(of, expected, "{name} with {config}");
    }
}
