//! How a route of the table is written down.

use utoipa::openapi::path::Parameter;
use utoipa::{IntoParams, ToSchema};

use super::{AgencyIn, Answer, Route, Verb, media};
use crate::access::Role;
use crate::openapi::{Shape, page_shape, shape};

pub(super) fn params<Q: IntoParams>() -> Vec<Parameter> {
    Q::into_params(|| None)
}

pub(super) const fn json<T: ToSchema + 'static>(status: u16, meaning: &'static str) -> Answer {
    Answer { status, meaning, body: Some((media::JSON, Some(shape::<T>))) }
}

pub(super) const fn page<T: ToSchema + 'static>(status: u16, meaning: &'static str) -> Answer {
    Answer { status, meaning, body: Some((media::JSON, Some(page_shape::<T>))) }
}

pub(super) const fn raw(status: u16, meaning: &'static str, media: &'static str) -> Answer {
    Answer { status, meaning, body: Some((media, None)) }
}

pub(super) const fn empty(status: u16, meaning: &'static str) -> Answer {
    Answer { status, meaning, body: None }
}

pub(super) const fn route(
    verb: Verb,
    path: &'static str,
    name: &'static str,
    tag: &'static str,
    summary: &'static str,
    roles: &'static [Role],
    answers: &'static [Answer],
) -> Route {
    Route {
        name,
        tag,
        verb,
        path,
        summary,
        roles,
        agency: AgencyIn::Nowhere,
        query: None,
        body: &[],
        body_bytes_max: 0,
        answers,
        unit: false,
        waits: false,
        dear: false,
    }
}

impl Route {
    pub(super) const fn agency(mut self, agency: AgencyIn) -> Self {
        self.agency = agency;
        self
    }

    pub(super) const fn query(mut self, query: fn() -> Vec<Parameter>) -> Self {
        self.query = Some(query);
        self
    }

    pub(super) const fn body(
        mut self,
        bytes_max: u64,
        body: &'static [(&'static str, Option<Shape>)],
    ) -> Self {
        self.body = body;
        self.body_bytes_max = bytes_max;
        self
    }

    pub(super) const fn dear(mut self) -> Self {
        self.dear = true;
        self
    }

    /// The unit that the path names may use it as well.
    pub(super) const fn unit(mut self) -> Self {
        self.unit = true;
        self
    }

    pub(super) const fn waits(mut self) -> Self {
        self.waits = true;
        self
    }
}
