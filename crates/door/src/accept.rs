//! The loop that takes connections, from the first to the end of the node.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Pause after the system refused a connection: out of descriptors, most likely.
const DEAF: Duration = Duration::from_millis(100);

/// Where connections come from.
pub trait Listen: Send {
    /// One connection, with what the system says of its other end.
    type Connection: Send;

    /// Waits for the next connection. Must lose none when it is dropped before it is done.
    ///
    /// # Errors
    /// What the system says.
    fn next(&self) -> impl Future<Output = io::Result<Self::Connection>> + Send;
}

impl Listen for TcpListener {
    type Connection = (TcpStream, SocketAddr);

    fn next(&self) -> impl Future<Output = io::Result<Self::Connection>> + Send {
        self.accept()
    }
}

/// Takes connections until `shutdown` ends; then takes no new one, says so by `stop`, gives those that
/// are open `drain`, and cuts them. `each` makes the work of one connection, or turns it away with
/// `None`; it must not wait. `name` is the door's in the log, as "the local socket".
pub async fn accept<L: Listen, F: Future<Output = ()> + Send + 'static>(
    listener: L,
    name: &'static str,
    drain: Duration,
    stop: watch::Sender<bool>,
    shutdown: impl Future<Output = ()>,
    mut each: impl FnMut(L::Connection) -> Option<F>,
) {
    let mut connections = JoinSet::new();
    let mut deaf = false;
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        tokio::select! {
            () = shutdown.as_mut() => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.next() => match accepted {
                Ok(connection) => {
                    if std::mem::take(&mut deaf) {
                        tracing::info!("{name} accepts again");
                    }
                    if let Some(work) = each(connection) {
                        connections.spawn(work);
                    }
                }
                Err(error) => {
                    if !std::mem::replace(&mut deaf, true) {
                        tracing::warn!(%error, "{name} cannot accept; it is tried again and again");
                    }
                    tokio::time::sleep(DEAF).await;
                }
            },
        }
    }
    drop(listener);
    // Nobody listens where no connection is open.
    let _ = stop.send(true);
    let ended = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(drain, ended).await.is_err() {
        tracing::warn!(open = connections.len(), "{name}: connections cut at stop");
    }
    connections.shutdown().await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::sync::oneshot;

    #[tokio::test]
    async fn connections_are_served_drained_and_cut() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopping) = watch::channel(false);
        let (end, ended) = oneshot::channel::<()>();
        let mut taken = 0;
        let task = tokio::spawn(async move {
            let shutdown = async { drop(ended.await) };
            accept(
                listener,
                "a door",
                Duration::from_millis(50),
                stop,
                shutdown,
                |(mut tcp, _)| {
                    taken += 1;
                    let mut stopping = stopping.clone();
                    (taken != 2).then_some(async move {
                        tcp.write_all(b"hello").await.unwrap();
                        let _ = stopping.wait_for(|s| *s).await;
                        if taken == 1 {
                            tcp.write_all(b", bye").await.unwrap();
                        } else {
                            std::future::pending().await
                        }
                    })
                },
            )
            .await;
        });
        let connect = || async { TcpStream::connect(address).await.unwrap() };
        let (mut first, mut second, mut third) =
            (connect().await, connect().await, connect().await);
        let mut heard = String::new();
        second.read_to_string(&mut heard).await.unwrap();
        assert_eq!(heard, "", "turned away");
        let mut hello = [0; 5];
        for open in [&mut first, &mut third] {
            open.read_exact(&mut hello).await.unwrap();
        }
        end.send(()).unwrap();
        first.read_to_string(&mut heard).await.unwrap();
        assert_eq!(heard, ", bye", "it had its time");
        let mut rest = Vec::new();
        let _ = third.read_to_end(&mut rest).await;
        assert_eq!(rest, b"", "it had no end of its own");
        task.await.unwrap();
        assert!(TcpStream::connect(address).await.is_err(), "nobody listens");
    }
}
