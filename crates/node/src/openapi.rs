//! `GET /openapi.json`: the node's description of itself (OpenAPI 3.1), written from its handlers and their structures.
//!
//! *In:* what stands above each handler (`utoipa::path`) and each structure of an answer (`ToSchema`). *Out:* one document, made
//! once. What holds for every call stands here and in [`whole`], not above each handler; [`shapes`] has what is read or
//! written in other ways than through a structure.

pub(super) mod shapes;
mod whole;

use std::sync::LazyLock;

use utoipa::{
    IntoResponses, OpenApi, PartialSchema, ToResponse, ToSchema,
    openapi::{
        AllOfBuilder, Object, ObjectBuilder, Ref, RefOr, Schema,
        schema::{SchemaType, Type},
    },
};

use self::whole::Whole;
use crate::{
    answers::{Message, Status},
    blocks, branches, events, explorer, mining, outside, peers, rpc, status, transactions,
};

/// The document, as `GET /openapi.json` gives it.
pub fn description() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(|| {
        let document = Api::openapi().to_pretty_json();
        document.expect("plain structures have a JSON form")
    });
    &TEXT
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "paydirt node",
        version = "1",
        description = "A proof-of-work ledger over HTTP. Every answer that is JSON is an object; whatever cannot be done is \
            answered with a message. Any call is answered with 400 when its Host is missing, malformed or there twice, and \
            with 403 when it is no name of this node. Calls that change state or cost work (/mine, /work, POST /blocks, POST \
            /switch, /transactions/new, /nodes/register, and JSON-RPC) are answered with 403 when Origin or Sec-Fetch-Site \
            says that a web page asks which may not, and with 401 when the node wants a token and none, or a wrong one, is \
            brought.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    servers((
        url = "/",
        description = "The node that gives this description; http://127.0.0.1:5000 unless it was told otherwise.",
    )),
    security(()),
    paths(
        status::root,
        preflight,
        rpc::call,
        mining::mine,
        transactions::new,
        transactions::pending,
        transactions::one,
        blocks::chain,
        branches::tree,
        blocks::take,
        blocks::one,
        blocks::switch,
        peers::list,
        peers::register,
        peers::resolve,
        outside::hand_out,
        outside::take_back,
        rpc::long_poll,
        events::stream,
        status::status,
        status::metrics,
        status::openapi,
        explorer::page,
    ),
    components(
        schemas(rpc::Failed<'static>, rpc::OrMessage<rpc::Failed<'static>>),
        responses(Failed, Busy, Unauthorized, Forbidden, Host),
    ),
    modifiers(&Whole),
)]
struct Api;

/// What a browser asks before a call from another page.
#[utoipa::path(
    options, path = "/", operation_id = "greetByOptions",
    responses((
        status = 200,
        description = "Access-Control-Allow-… say what such a page may do; with --cors none the greeting.",
    )),
)]
#[expect(dead_code, reason = "a layer answers it")]
fn preflight() {}

/// Answers that several calls have.
macro_rules! shared {
    ($($name:ident: $description:literal;)*) => {$(
        #[derive(ToResponse)]
        #[response(description = $description)]
        #[expect(dead_code, reason = "only its description is used")]
        pub(super) struct $name(Message<'static>);
    )*};
}

shared! {
    Failed: "The ledger's file or the node itself failed. Nothing was changed that an answer has not confirmed.";
    Busy: "The node is stopping or its ledger's file has failed (GET /status says why), or it has no room for more just now; \
        Retry-After says when to ask again.";
    Unauthorized: "The node wants its token (paydirt serve --token-file); WWW-Authenticate says how to bring it.";
    Forbidden: "A web page asks that may not (paydirt serve --cors), or Host is no name of this node (--allow-host).";
    Host: "Host is missing, malformed, or there twice.";
}

/// Of calls whose body is read.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "only its description is used")]
pub(super) enum Incomplete {
    /// The body did not arrive in time.
    #[response(status = 408)]
    Late(Message<'static>),
    /// Too large.
    #[response(status = 413)]
    Large(Message<'static>),
}

/// The schema of `null`, for fields that are never anything else.
pub(super) fn null() -> Object {
    ObjectBuilder::new()
        .schema_type(SchemaType::new(Type::Null))
        .build()
}

/// A [`Status`] that says what is wrong.
pub(super) struct Unwell;

impl PartialSchema for Unwell {
    fn schema() -> RefOr<Schema> {
        let message = ObjectBuilder::new().required("message");
        AllOfBuilder::new()
            .item(Ref::from_schema_name(Status::name()))
            .item(message)
            .into()
    }
}

impl ToSchema for Unwell {}
