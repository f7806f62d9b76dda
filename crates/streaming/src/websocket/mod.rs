//! WebSocket connections in the two ways that Kubernetes' clients use them: numbered channels of bytes, and a tunnel for
//! another protocol.

mod channels;
mod tunnel;

pub(crate) use channels::{Encoding, WebSocketChannels};
pub(crate) use tunnel::Tunnel;

use crate::streams::Connection;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

/// Bytes of a message; clients send pieces of at most 32 KiB.
const MAX_MESSAGE: usize = 1 << 20;

async fn server<IO: Connection>(io: IO) -> WebSocketStream<IO> {
    let config = WebSocketConfig::default()
        .max_message_size(Some(MAX_MESSAGE))
        .max_frame_size(Some(MAX_MESSAGE))
        .read_buffer_size(32 << 10)
        .write_buffer_size(16 << 10)
        .max_write_buffer_size(4 * MAX_MESSAGE);
    WebSocketStream::from_raw_socket(io, Role::Server, Some(config)).await
}
