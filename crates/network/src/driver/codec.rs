//! Messages on a substream of their own.
//!
//! ```text
//! bytes 0 … 3       4 …
//!       │length, LE │ the message
//! ```
//!
//! *In:* what is to be sent. *Out:* what came, or why it is no message. A length beyond the limit is refused before any room
//! is made for it, and what is not there yet takes none: a peer that promises four mebibytes and sends ten bytes costs ten.

use std::io;

use futures_util::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use libp2p::request_response;

use crate::message::{MAX_REQUEST_BYTES, MAX_RESPONSE_BYTES, Request, Response};

/// How much room is made at first for what is still to come.
const FIRST_ROOM: usize = 16 << 10;

/// A message and the version of the protocol that it is written in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Versioned<T> {
    pub(super) version: u8,
    pub(super) message: T,
}

/// Reads and writes them.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Codec;

impl request_response::Codec for Codec {
    type Protocol = String;
    type Request = Versioned<Request>;
    type Response = Versioned<Response>;

    async fn read_request<T>(&mut self, _: &String, io: &mut T) -> io::Result<Self::Request>
    where
        T: AsyncRead + Unpin + Send,
    {
        let bytes = read(io, MAX_REQUEST_BYTES).await?;
        let (version, message) = Request::from_bytes(&bytes).map_err(none)?;
        Ok(Versioned { version, message })
    }

    async fn read_response<T>(&mut self, _: &String, io: &mut T) -> io::Result<Self::Response>
    where
        T: AsyncRead + Unpin + Send,
    {
        let bytes = read(io, MAX_RESPONSE_BYTES).await?;
        let (version, message) = Response::from_bytes(&bytes).map_err(none)?;
        Ok(Versioned { version, message })
    }

    async fn write_request<T>(&mut self, _: &String, io: &mut T, request: Self::Request) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        write(io, &request.message.to_bytes(request.version)).await
    }

    async fn write_response<T>(&mut self, _: &String, io: &mut T, response: Self::Response) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        write(io, &response.message.to_bytes(response.version)).await
    }
}

/// What tells a peer's fault from the line's.
fn none(reason: impl ToString) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason.to_string())
}

async fn read(io: &mut (impl AsyncRead + Unpin + Send), most: usize) -> io::Result<Vec<u8>> {
    let mut length = [0; 4];
    io.read_exact(&mut length).await?;
    let length = u32::from_le_bytes(length) as usize;
    if length > most {
        return Err(none(format!("{length} bytes; it may have {most}")));
    }
    let mut bytes = Vec::with_capacity(length.min(FIRST_ROOM));
    io.take(length as u64).read_to_end(&mut bytes).await?;
    match bytes.len() == length {
        true => Ok(bytes),
        false => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

async fn write(io: &mut (impl AsyncWrite + Unpin + Send), bytes: &[u8]) -> io::Result<()> {
    let length = u32::try_from(bytes.len()).map_err(none)?;
    // In one piece: a message should not be two packets.
    let mut framed = Vec::with_capacity(4 + bytes.len());
    framed.extend_from_slice(&length.to_le_bytes());
    framed.extend_from_slice(bytes);
    io.write_all(&framed).await
}

#[cfg(test)]
mod tests {
    use futures_util::io::Cursor;

    use super::*;

    fn reading(bytes: &[u8], most: usize) -> io::Result<Vec<u8>> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(read(&mut Cursor::new(bytes.to_vec()), most))
    }

    #[test]
    fn a_length_beyond_the_limit_is_refused_at_once() {
        let error = reading(&u32::MAX.to_le_bytes(), 10).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{error}");
        assert_eq!(reading(&[2, 0, 0, 0, 7, 8], 2).unwrap(), [7, 8]);
        assert!(reading(&[0, 0, 0, 0], 2).unwrap().is_empty());
        for cut in [&[][..], &[1, 0, 0], &[2, 0, 0, 0, 7]] {
            let error = reading(cut, 2).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof, "{cut:?}");
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut line = Cursor::new(Vec::new());
            write(&mut line, b"abc").await.unwrap();
            line.set_position(0);
            assert_eq!(read(&mut line, 3).await.unwrap(), b"abc");
        });
    }
}
