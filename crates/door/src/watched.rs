//! A connection whose incoming bytes somebody looks at before the HTTP library does.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Looks at what comes in, piece by piece and in order.
pub trait Watch {
    /// The next bytes. They may be replaced by others; there are as many as there were.
    fn came(&mut self, bytes: &mut [u8]);
}

/// Wraps a stream: whatever is read of it is shown to a [`Watch`] first. What is written passes.
pub struct Watched<S, W> {
    stream: S,
    watch: W,
}

impl<S, W> Watched<S, W> {
    /// Shows it what is read of the stream from now on.
    pub fn new(stream: S, watch: W) -> Self {
        Watched { stream, watch }
    }
}

impl<S: AsyncRead + Unpin, W: Watch + Unpin> AsyncRead for Watched<S, W> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        self.watch.came(&mut buffer.filled_mut()[before..]);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin, W: Unpin> AsyncWrite for Watched<S, W> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    struct Shouted(Vec<u8>);

    impl Watch for Shouted {
        fn came(&mut self, bytes: &mut [u8]) {
            self.0.extend_from_slice(bytes);
            bytes.make_ascii_uppercase();
        }
    }

    #[tokio::test]
    async fn each_byte_is_shown_once_and_what_is_written_passes() {
        let (near, mut far) = tokio::io::duplex(64);
        let mut watched = Watched::new(near, Shouted(Vec::new()));
        far.write_all(b"first second").await.unwrap();
        let mut piece = [0; 6];
        for expected in [b"FIRST ", b"SECOND"] {
            watched.read_exact(&mut piece).await.unwrap();
            assert_eq!(&piece, expected);
        }
        assert_eq!(watched.watch.0, b"first second");
        watched.write_all(b"answer").await.unwrap();
        far.read_exact(&mut piece).await.unwrap();
        assert_eq!(&piece, b"answer");
    }
}
