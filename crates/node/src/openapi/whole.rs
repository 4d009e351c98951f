//! What holds for every call and every schema, said in one place.
//!
//! *In:* the document as handlers and structures describe it. *Out:* the same with
//!
//! - what the doors answer before a handler is asked; a message wherever a refusal is not said to be something else;
//! - an operation id for each method of a handler that has several, and no content where a method has none;
//! - the limits of Rust's integers instead of names for them; and no fields but those that are named.

use utoipa::{
    Modify,
    openapi::{
        Components, Content, HeaderBuilder, KnownFormat, ObjectBuilder, OpenApi, PathItem, Ref, RefOr,
        Response, SchemaFormat,
        path::Operation,
        schema::{AdditionalProperties, AllOf, ArrayItems, Object, Schema, Type},
        security::{Http, HttpAuthScheme, SecurityScheme},
    },
};

/// What is read of a call by name, so that other fields are passed over.
const OPEN: [&str; 5] = ["NewBlock", "NewNodes", "NewTip", "RpcCall", "Solved"];

/// Completes the document.
pub(super) struct Whole;

impl Modify for Whole {
    fn modify(&self, api: &mut OpenApi) {
        let components = api.components.get_or_insert_default();
        for (name, schema) in &mut components.schemas {
            settle(schema, !OPEN.contains(&name.as_str()));
        }
        if let Some(RefOr::T(busy)) = components.responses.get_mut("Busy") {
            refuse(busy, true);
        }
        add_tokens(components);
        for item in api.paths.paths.values_mut() {
            let mut ids = Vec::new();
            for (method, operation) in operations(item) {
                complete(operation);
                if matches!(method, "Head" | "Options") {
                    leave_content_out(operation, components);
                }
                let id = operation.operation_id.get_or_insert_default();
                if ids.contains(id) {
                    id.push_str("By");
                    id.push_str(method);
                }
                ids.push(id.clone());
            }
        }
    }
}

fn add_tokens(components: &mut Components) {
    let bearer = "The token of a node that has one; without one nothing is wanted.";
    let basic = "The same token, as the password of any user; for JSON-RPC alone.";
    for (name, scheme, description) in [
        ("token", HttpAuthScheme::Bearer, bearer),
        ("password", HttpAuthScheme::Basic, basic),
    ] {
        let mut http = Http::new(scheme);
        http.description = Some(description.to_owned());
        components.add_security_scheme(name, SecurityScheme::Http(http));
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = (&'static str, &mut Operation)> {
    let all = [
        ("Get", &mut item.get),
        ("Put", &mut item.put),
        ("Post", &mut item.post),
        ("Delete", &mut item.delete),
        ("Options", &mut item.options),
        ("Head", &mut item.head),
        ("Patch", &mut item.patch),
        ("Trace", &mut item.trace),
    ];
    let there = all.into_iter();
    there.filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}

/// Adds what is answered for the handler.
fn complete(operation: &mut Operation) {
    operation.tags = None; // there is one kind of them
    let guarded = operation.security.is_some();
    let shared = [
        ("400", "Host", true),
        ("401", "Unauthorized", guarded),
        ("403", "Forbidden", true),
    ];
    let answers = &mut operation.responses.responses;
    for (status, name, _) in shared.into_iter().filter(|(.., said)| *said) {
        let answer = answers.entry(status.to_owned());
        answer.or_insert_with(|| RefOr::Ref(Ref::from_response_name(name)));
    }
    for (status, answer) in answers {
        let RefOr::T(answer) = answer else { continue };
        for header in answer.headers.values_mut() {
            if let RefOr::T(header) = header
                && let Some(schema) = &mut header.schema
            {
                settle(schema, true);
            }
        }
        if answer.content.is_empty() && status.as_str() >= "400" {
            refuse(answer, matches!(status.as_str(), "429" | "503"));
        }
    }
    for parameter in operation.parameters.iter_mut().flatten() {
        if let RefOr::T(parameter) = parameter
            && let Some(schema) = &mut parameter.schema
        {
            settle(schema, true);
        }
    }
}

/// Gives an answer the form that refusals have.
fn refuse(answer: &mut Response, for_a_while: bool) {
    let message = Content::new(Some(Ref::from_schema_name("Message")));
    answer
        .content
        .insert("application/json".to_owned(), message.into());
    if for_a_while {
        let seconds = ObjectBuilder::new()
            .schema_type(Type::Integer)
            .minimum(Some(0_usize));
        let words = "In how many seconds to ask again. Scripts of pages that may ask can read it.";
        let header = HeaderBuilder::new()
            .schema(Some(seconds))
            .description(Some(words));
        answer
            .headers
            .insert("Retry-After".to_owned(), header.build().into());
    }
}

/// Answers have the same words, and nothing else.
fn leave_content_out(operation: &mut Operation, components: &Components) {
    for answer in operation.responses.responses.values_mut() {
        if let RefOr::Ref(shared) = answer {
            let name = shared.ref_location.rsplit('/').next();
            let shared = name.and_then(|name| components.responses.get(name));
            *answer = shared.cloned().expect("what is referred to is there");
        }
        if let RefOr::T(answer) = answer {
            answer.content.clear();
        }
    }
}

/// Makes a schema say all that its type does.
fn settle(schema: &mut RefOr<Schema>, closed: bool) {
    let RefOr::T(schema) = schema else { return };
    if let Schema::AllOf(parts) = schema
        && let Some(flat) = flat(parts)
    {
        *schema = Schema::Object(flat);
    }
    match schema {
        Schema::Object(object) => {
            limit(object);
            object
                .properties
                .values_mut()
                .for_each(|field| settle(field, closed));
            if closed && !object.properties.is_empty() {
                object.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(false)));
            }
        }
        Schema::Array(array) => {
            if let ArrayItems::RefOrSchema(items) = &mut array.items {
                settle(items, closed);
            }
        }
        Schema::OneOf(any) => any.items.iter_mut().for_each(|one| settle(one, closed)),
        _ => {}
    }
}

/// One object with the fields of all, where all are objects: what serde's `flatten` makes of them.
fn flat(parts: &AllOf) -> Option<Object> {
    let mut whole = Object::new();
    for part in &parts.items {
        let part = match part {
            RefOr::T(Schema::Object(object)) => object.clone(),
            RefOr::T(Schema::AllOf(parts)) => flat(parts)?,
            _ => return None,
        };
        whole.properties.extend(part.properties);
        whole.required.extend(part.required);
    }
    whole.description = parts.description.clone();
    Some(whole)
}

/// Readers know the names of few kinds of integers, but all know limits.
fn limit(object: &mut Object) {
    let limits = match &object.format {
        Some(SchemaFormat::KnownFormat(KnownFormat::Int32)) => {
            Some((i64::from(i32::MIN), i64::from(i32::MAX)))
        }
        Some(SchemaFormat::KnownFormat(KnownFormat::UInt32)) => Some((0, i64::from(u32::MAX))),
        Some(SchemaFormat::KnownFormat(KnownFormat::UInt64)) => None,
        _ => return,
    };
    object.format = None;
    if let Some((least, most)) = limits {
        object.minimum.get_or_insert((least as f64).into());
        object.maximum.get_or_insert((most as f64).into());
    }
}
