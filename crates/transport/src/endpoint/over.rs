//! What an endpoint is bound on.

use std::{net::SocketAddr, sync::Arc};

use quinn::{EndpointConfig, ServerConfig, TokioRuntime};

use crate::{BindError, Datagrams, TransportLimits, datagrams::Port, socket};

/// The network below an endpoint.
pub(super) enum Over {
    /// A UDP socket of the system on this address.
    System(SocketAddr),
    /// Somebody else's network, and the seed of what QUIC draws by chance.
    Given(Arc<dyn Datagrams>, [u8; 32]),
}

impl Over {
    /// Whether the system can be asked about the route to a peer.
    pub(super) fn knows_routes(&self) -> bool {
        matches!(self, Self::System(_))
    }

    /// Binds it; `listener` is absent for a node that only dials.
    pub(super) fn bind(
        self,
        mut config: EndpointConfig,
        listener: Option<ServerConfig>,
        limits: &TransportLimits,
    ) -> Result<quinn::Endpoint, BindError> {
        let runtime = Arc::new(TokioRuntime);
        match self {
            Self::System(addr) => {
                let socket = socket::bind(addr, limits.socket_buffer_bytes)?;
                quinn::Endpoint::new(config, listener, socket, runtime)
                    .map_err(|source| BindError::Address { addr, source })
            }
            Self::Given(datagrams, seed) => {
                config.rng_seed(Some(seed));
                let addr = datagrams.local_addr();
                let port = Arc::new(Port(datagrams));
                quinn::Endpoint::new_with_abstract_socket(config, listener, port, runtime)
                    .map_err(|source| BindError::Address { addr, source })
            }
        }
    }
}
