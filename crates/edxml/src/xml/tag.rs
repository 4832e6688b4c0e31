//! Names and start tags.

use quick_xml::escape::{EscapeError, unescape};
use quick_xml::events::BytesStart;
use quick_xml::events::attributes::Attribute;
use quick_xml::name::{NamespaceResolver, ResolveResult};

use super::chars::{first_forbidden, is_name};
use super::{DSIG, NAMESPACE};
use crate::Limits;
use crate::fault::{Fault, quoted, shown};

/// The namespace of an element, as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Space {
    /// That of QCVN 102.
    Edxml,
    /// None at all: met where a default declaration was forgotten.
    None,
    /// That of XML Signature.
    Signature,
    /// Another one: the element is not ours.
    Foreign,
}

/// An element's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Name {
    /// Without its prefix.
    pub(crate) local: String,
    /// Its namespace.
    pub(crate) space: Space,
}

impl Name {
    /// The name as a word of edXML; empty for an element of another namespace.
    pub(crate) fn word(&self) -> &str {
        match self.space {
            Space::Edxml | Space::None => &self.local,
            Space::Signature | Space::Foreign => "",
        }
    }
}

/// Checks a start tag and declares its namespaces. The caller takes them back at the end tag.
pub(crate) fn open(
    tag: &BytesStart<'_>,
    spaces: &mut NamespaceResolver,
    limits: &Limits,
) -> Result<(Name, Vec<(String, String)>), Fault> {
    let mut attributes = Vec::new();
    name(tag.name().as_ref(), limits)?;
    for attribute in tag.attributes() {
        let attribute = attribute.map_err(|e| Fault::NotWellFormed(shown(e)))?;
        if attributes.len() == limits.attributes_max {
            return Err(Fault::large("attributes_max", limits.attributes_max));
        }
        attributes.push(one(&attribute, limits)?);
    }
    spaces.push(tag).map_err(|e| Fault::Namespace(shown(e)))?;
    for (key, _) in &attributes {
        let prefix = key.split_once(':').map(|(prefix, _)| prefix);
        if prefix.is_some_and(|p| p != "xmlns")
            && let (ResolveResult::Unknown(prefix), _) =
                spaces.resolve_attribute(quick_xml::name::QName(key))
        {
            return Err(undeclared(&prefix));
        }
    }
    let (space, local) = spaces.resolve_element(tag.name());
    let local = local.as_ref().to_owned();
    let space = match space {
        ResolveResult::Bound(space) if space.0 == NAMESPACE => Space::Edxml,
        ResolveResult::Bound(space) if space.0 == DSIG => Space::Signature,
        ResolveResult::Bound(space) if space.0.is_empty() => Space::None,
        ResolveResult::Bound(_) => Space::Foreign,
        ResolveResult::Unbound => Space::None,
        ResolveResult::Unknown(prefix) => return Err(undeclared(&prefix)),
    };
    Ok((Name { local, space }, attributes))
}

fn undeclared(prefix: &str) -> Fault {
    Fault::Namespace(format!("the prefix {} is not declared", quoted(prefix)))
}

/// Whether a name with at most one colon is one.
fn name(text: &str, limits: &Limits) -> Result<(), Fault> {
    if text.len() > limits.name_bytes_max {
        return Err(Fault::large("name_bytes_max", limits.name_bytes_max));
    }
    let (prefix, local) = text.split_once(':').unwrap_or(("x", text));
    if is_name(prefix) && is_name(local) {
        Ok(())
    } else {
        Err(Fault::NotWellFormed(format!("{:?} is no name", quoted(text))))
    }
}

fn one(attribute: &Attribute<'_>, limits: &Limits) -> Result<(String, String), Fault> {
    let key = attribute.key.as_ref();
    name(key, limits)?;
    let raw = &attribute.value;
    if raw.len() > limits.attribute_bytes_max {
        return Err(Fault::large("attribute_bytes_max", limits.attribute_bytes_max));
    }
    if raw.contains('<') {
        return Err(Fault::NotWellFormed("an attribute holds <".to_owned()));
    }
    let value = unescape(raw).map_err(|e| match e {
        EscapeError::UnrecognizedEntity(_, name) => Fault::Entity(quoted(&name)),
        other => Fault::NotWellFormed(shown(other)),
    })?;
    match first_forbidden(&value) {
        Some(c) => Err(Fault::Character(c)),
        None => Ok((key.to_owned(), value.into_owned())),
    }
}
