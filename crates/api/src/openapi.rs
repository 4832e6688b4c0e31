//! The OpenAPI 3.1 description, made from the table of routes and the types of the model.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use utoipa::openapi::content::Content;
use utoipa::openapi::path::{
    HttpMethod, Operation, OperationBuilder, Parameter, ParameterBuilder, ParameterIn, PathsBuilder,
};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::{ComponentsBuilder, ObjectBuilder, Type};
use utoipa::openapi::server::{Server, ServerBuilder, ServerVariableBuilder};
use utoipa::openapi::{
    HeaderBuilder, InfoBuilder, License, OpenApi, OpenApiBuilder, PathItem, Ref, RefOr, Required,
    Response, ResponseBuilder, Schema,
};
use utoipa::{PartialSchema, ToSchema};

use crate::model::Page;
use crate::problem::{self, ProblemDocument};
use crate::routes::{self, AgencyIn, ROUTES, Route, Verb};
use crate::text::{AgencyText, DigestText, DispatchText, NodeText};

/// Named schemas, collected while the routes are walked.
pub type Schemas = BTreeMap<String, RefOr<Schema>>;
/// Adds a type and all it refers to, and gives the reference.
pub type Shape = fn(&mut Schemas) -> RefOr<Schema>;

/// The [`Shape`] of a type.
pub fn shape<T: ToSchema>(schemas: &mut Schemas) -> RefOr<Schema> {
    let mut found = vec![(T::name().into_owned(), T::schema())];
    T::schemas(&mut found);
    schemas.extend(found);
    RefOr::Ref(Ref::from_schema_name(T::name()))
}

/// The [`Shape`] of a page of items. Each page gets a name of its own: the generic type has but
/// one, and does not bring its parameter along.
pub fn page_shape<T: ToSchema>(schemas: &mut Schemas) -> RefOr<Schema> {
    shape::<T>(schemas);
    let name = format!("{}Page", T::name());
    schemas.insert(name.clone(), Page::<T>::schema());
    RefOr::Ref(Ref::from_schema_name(name))
}

/// The description as JSON text, as served and as checked in.
pub fn text() -> &'static str {
    static TEXT: OnceLock<String> = OnceLock::new();
    TEXT.get_or_init(|| {
        let mut text = serde_json::to_string_pretty(&description()).unwrap_or_default();
        text.push('\n');
        text
    })
}

/// The description.
pub fn description() -> OpenApi {
    let mut schemas = Schemas::new();
    let problem = shape::<ProblemDocument>(&mut schemas);
    let mut paths = PathsBuilder::new();
    for route in ROUTES {
        let operation = operation(route, &problem, &mut schemas);
        paths = paths.path(route.path, PathItem::new(method(route.verb), operation));
    }
    let mut components = ComponentsBuilder::new();
    for (name, schema) in schemas {
        components = components.schema(name, schema);
    }
    let info = InfoBuilder::new()
        .title("Trạm, API of a node")
        .version("1")
        .description(Some(ABOUT))
        .license(Some(License::new("Apache-2.0")))
        .build();
    OpenApiBuilder::new()
        .info(info)
        .servers(Some(servers()))
        .paths(paths.build())
        .components(Some(components.build()))
        .build()
}

const ABOUT: &str = "HTTP/1.1 on a Unix socket, where the caller is known by its kernel credentials, and \
over mutual TLS for other machines, where it is known by its certificate; the configuration maps either \
to agencies and roles. Every error is application/problem+json \
(RFC 9457) with a stable code; Accept-Language: vi gives title and remedy in Vietnamese.";

/// The host of the first says nothing: it is a socket on this machine.
fn servers() -> [Server; 2] {
    let variable = |default: &str, meaning: &str| {
        ServerVariableBuilder::new().default_value(default).description(Some(meaning))
    };
    let local = ServerBuilder::new()
        .url("http://localhost")
        .description(Some("A local socket: curl --unix-socket PATH"))
        .build();
    let door = ServerBuilder::new()
        .url("https://{host}:{port}")
        .description(Some(
            "The door for other machines, with a certificate: curl --cert FILE --key FILE",
        ))
        .parameter("host", variable("tram.example.vn", "A name in the certificate of the door"))
        .parameter("port", variable("8443", "As configured"))
        .build();
    [local, door]
}

fn method(verb: Verb) -> HttpMethod {
    match verb {
        Verb::Get => HttpMethod::Get,
        Verb::Head => HttpMethod::Head,
        Verb::Put => HttpMethod::Put,
        Verb::Post => HttpMethod::Post,
    }
}

fn operation(route: &Route, problem: &RefOr<Schema>, schemas: &mut Schemas) -> Operation {
    let mut builder = OperationBuilder::new()
        .operation_id(Some(route.name))
        .tag(route.tag)
        .summary(Some(route.summary))
        .description(Some(needs(route)));
    for name in variables(route.path) {
        builder = builder.parameter(path_parameter(name, schemas));
    }
    for parameter in route.query.map(|q| q()).unwrap_or_default() {
        builder = builder.parameter(parameter);
    }
    for parameter in header_parameters(route.name) {
        builder = builder.parameter(parameter);
    }
    if !route.body.is_empty() {
        let mut body = RequestBodyBuilder::new()
            .required(Some(Required::True))
            .description(Some(format!("At most {} bytes", route.body_bytes_max)));
        for (media, shape) in route.body {
            body = body.content(*media, content(*shape, schemas));
        }
        builder = builder.request_body(Some(body.build()));
    }
    for (status, response) in responses(route, schemas) {
        builder = builder.response(status.to_string(), response);
    }
    let error = ResponseBuilder::new()
        .description("A problem; docs/errors.md lists the codes")
        .content(problem::MEDIA_TYPE, Content::new(Some(problem.clone())));
    builder.response("default", error.build()).build()
}

/// One response per status; a status with two media types has both in one response.
fn responses(route: &Route, schemas: &mut Schemas) -> BTreeMap<u16, Response> {
    let mut all: BTreeMap<u16, ResponseBuilder> = BTreeMap::new();
    for answer in route.answers {
        let mut builder = all
            .remove(&answer.status)
            .unwrap_or_else(|| ResponseBuilder::new().description(answer.meaning));
        if let Some((media, shape)) = answer.body {
            builder = builder.content(media, content(shape, schemas));
        }
        for (name, meaning) in response_headers(route.name) {
            let text = ObjectBuilder::new().schema_type(Type::String).build();
            let header =
                HeaderBuilder::new().schema(Some(text)).description(Some(*meaning)).build();
            builder = builder.header(*name, header);
        }
        all.insert(answer.status, builder);
    }
    all.into_iter().map(|(status, builder)| (status, builder.build())).collect()
}

fn content(shape: Option<Shape>, schemas: &mut Schemas) -> Content {
    // OpenAPI 3.1 describes raw bytes by the media type alone.
    Content::new(shape.map(|s| s(schemas)))
}

fn needs(route: &Route) -> String {
    let names: Vec<&str> = route.roles.iter().map(|r| r.name()).collect();
    match (names.is_empty(), route.agency) {
        (true, _) => "Needs no role.".into(),
        (_, AgencyIn::Nowhere) => format!("Needs the role {}.", names.join(" or ")),
        _ => format!("Needs the role {} for that agency.", names.join(" or ")),
    }
}

/// The `{variables}` of a path.
fn variables(path: &'static str) -> impl Iterator<Item = &'static str> {
    path.split('/').filter_map(|s| s.strip_prefix('{')?.strip_suffix('}'))
}

fn path_parameter(name: &'static str, schemas: &mut Schemas) -> Parameter {
    let schema = match name {
        "sha256" => shape::<DigestText>(schemas),
        "dispatch" => shape::<DispatchText>(schemas),
        "node" => shape::<NodeText>(schemas),
        "action" => shape::<crate::model::QueueAction>(schemas),
        _ => shape::<AgencyText>(schemas),
    };
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .schema(Some(schema))
        .build()
}

fn header_parameters(operation: &str) -> Vec<Parameter> {
    let header = |name: &str, meaning: &str| {
        ParameterBuilder::new()
            .name(name)
            .parameter_in(ParameterIn::Header)
            .required(Required::False)
            .description(Some(meaning))
            .schema(Some(ObjectBuilder::new().schema_type(Type::String).build()))
            .build()
    };
    match operation {
        "submit" => vec![header(
            "Idempotency-Key",
            "The reference; required with a JSON body, not used with sealed bytes",
        )],
        "fetch_document" => vec![
            header("Range", "One byte range, `bytes=0-1023`"),
            header("If-Range", "ETag of the document the range is meant for"),
        ],
        "events" => vec![header("Last-Event-ID", "Id of the last event seen")],
        _ => Vec::new(),
    }
}

fn response_headers(operation: &str) -> &'static [(&'static str, &'static str)] {
    match operation {
        "upload_state" | "upload" => &[
            (routes::UPLOAD_OFFSET, "Bytes that the node holds"),
            (routes::UPLOAD_COMPLETE, "?1 when complete, else ?0"),
        ],
        "fetch" => &[(routes::FETCH, "The token that the confirmation repeats")],
        "receipts" | "dispatch_receipts" => &[(routes::NEXT, "The cursor of the next page")],
        _ => &[],
    }
}
