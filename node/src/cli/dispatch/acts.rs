//! What a dispatch does to earlier ones, from options.

use clap::Args;
use tram_api::model::{SealAct, SealActKind, SealRelated, SealRequest};
use tram_dispatch::{AgencyCode, Reference};

use crate::cli::failure::Failure;

/// Earlier dispatches that this one is about. At most one kind of act.
#[derive(Args)]
#[group(multiple = true)]
pub(super) struct Earlier {
    /// Ask the recipients to give back the dispatch with this reference; where it has not arrived yet, it
    /// is stopped.
    #[arg(long, value_name = "REFERENCE", conflicts_with_all = ["update", "replace"])]
    recall: Option<Reference>,
    /// Change the dispatch with this reference: its data, or who is to have it.
    #[arg(long, value_name = "REFERENCE", conflicts_with = "replace")]
    update: Option<Reference>,
    /// Take the place of the dispatch with this reference; may be repeated.
    #[arg(long, value_name = "REFERENCE")]
    replace: Vec<Reference>,
    /// The agency that sealed the earlier ones, where this one took over from it.
    #[arg(long, value_name = "CODE")]
    sealed_by: Option<AgencyCode>,
    /// Answers this dispatch: whose it is, a colon, its reference; may be repeated.
    #[arg(long, value_name = "CODE:REFERENCE", value_parser = answered)]
    answers: Vec<SealRelated>,
}

fn answered(text: &str) -> Result<SealRelated, String> {
    let (code, reference) = text.split_once(':').ok_or("CODE:REFERENCE")?;
    let originator: AgencyCode = code.parse().map_err(|e| format!("{e}"))?;
    let reference: Reference = reference.parse().map_err(|e| format!("{e}"))?;
    Ok(SealRelated { originator: originator.into(), reference: reference.into(), dispatch: None })
}

impl Earlier {
    /// Puts what the options say into a request.
    ///
    /// # Errors
    /// `BAD_REQUEST` where `--sealed-by` has nothing to be about.
    pub(super) fn fill(&self, request: &mut SealRequest) -> Result<(), Failure> {
        let whose = self.sealed_by.clone().unwrap_or_else(|| request.originator.0.clone());
        let of = |reference: &Reference| SealRelated {
            originator: whose.clone().into(),
            reference: reference.clone().into(),
            dispatch: None,
        };
        let act = match (&self.recall, &self.update, &self.replace[..]) {
            (Some(recall), ..) => Some((SealActKind::Recall, vec![of(recall)])),
            (_, Some(update), _) => Some((SealActKind::Update, vec![of(update)])),
            (_, _, []) => None,
            (_, _, replaced) => {
                Some((SealActKind::Replace, replaced.iter().map(of).collect::<Vec<_>>()))
            }
        };
        if act.is_none() && self.sealed_by.is_some() {
            return Err(Failure::usage("--sealed-by goes with --recall, --update or --replace"));
        }
        if let Some((kind, of)) = act {
            request.act = Some(SealAct { kind, of });
        }
        if !self.answers.is_empty() {
            request.metadata.answers_to.clone_from(&self.answers);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::answered;

    #[test]
    fn an_answer_names_whose_dispatch_it_answers() {
        let found = answered("H41:16/CT-UBND").unwrap();
        assert_eq!(
            (found.originator.to_string(), found.reference.to_string()),
            ("H41".into(), "16/CT-UBND".into())
        );
        for bad in ["16/CT-UBND", "H41:", ":16", "h41.12:1"] {
            assert!(answered(bad).is_err(), "{bad}");
        }
    }
}
