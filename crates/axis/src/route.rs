//! Paths and methods.

/// The calls of the client, by their paths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// `/sendEdoc`.
    Send,
    /// `/getReceivedEdocList`.
    Received,
    /// `/getEdoc`.
    Get,
    /// `/downloadEdoc`.
    Download,
    /// `/updateStatus`.
    Update,
    /// `/getSentEdocList`.
    Sent,
    /// `/countReceiveEdoc`.
    CountDocuments,
    /// `/countReceiveStatus`.
    CountStatuses,
    /// `/getAgenciesList`.
    Agencies,
    /// `/getAgenciesListQD20`.
    AgenciesQd20,
    /// `/getSynchronizeUnit`.
    Units,
    /// `/registerAgency`.
    Register,
    /// `/deleteAgency`.
    Delete,
}

impl Route {
    /// Every call with its path, without the slash.
    pub const ALL: [(Route, &'static str); 13] = [
        (Route::Send, "sendEdoc"),
        (Route::Received, "getReceivedEdocList"),
        (Route::Get, "getEdoc"),
        (Route::Download, "downloadEdoc"),
        (Route::Update, "updateStatus"),
        (Route::Sent, "getSentEdocList"),
        (Route::CountDocuments, "countReceiveEdoc"),
        (Route::CountStatuses, "countReceiveStatus"),
        (Route::Agencies, "getAgenciesList"),
        (Route::AgenciesQd20, "getAgenciesListQD20"),
        (Route::Units, "getSynchronizeUnit"),
        (Route::Register, "registerAgency"),
        (Route::Delete, "deleteAgency"),
    ];

    /// Its path, without the slash.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(route, _)| *route == self).map_or("", |(_, name)| name)
    }

    /// Whether GET is taken as well as POST: the client says GET where its code means POST, and the
    /// other way round.
    pub const fn may_be_got(self) -> bool {
        matches!(self, Route::Download | Route::CountDocuments | Route::CountStatuses)
    }
}

/// The call that a path means below a base path (empty, or `/axis`). Repeated slashes are one: an
/// endpoint that is written with a slash at its end makes `//sendEdoc`.
pub fn route(base: &str, path: &str) -> Option<Route> {
    let segments = |text: &str| -> Vec<String> {
        text.split('/').filter(|s| !s.is_empty()).map(str::to_owned).collect()
    };
    let (base, path) = (segments(base), segments(path));
    let (name, before) = path.split_last()?;
    (before == base).then(|| Route::ALL.iter().find(|(_, n)| n == name).map(|(route, _)| *route))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_found_below_the_base_whatever_the_slashes() {
        assert_eq!(route("", "/sendEdoc"), Some(Route::Send));
        assert_eq!(route("", "//sendEdoc"), Some(Route::Send));
        assert_eq!(route("/axis", "/axis//getEdoc"), Some(Route::Get));
        assert_eq!(route("/axis/", "/axis/getAgenciesListQD20"), Some(Route::AgenciesQd20));
        for none in ["/", "", "/axis/sendEdoc", "/SENDEDOC", "/sendEdoc/x"] {
            assert_eq!(route("", none), None, "{none}");
        }
        assert_eq!(route("/axis", "/sendEdoc"), None);
        for (call, name) in Route::ALL {
            assert_eq!((route("/a/b", &format!("/a/b/{name}")), call.name()), (Some(call), name));
        }
    }
}
