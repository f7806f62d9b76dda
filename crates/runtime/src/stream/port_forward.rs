//! Connections to ports inside a sandbox: the shim makes the socket, which belongs to the pod's network from then on.

use crate::embedded::Core;
use crate::error::{Outcome, RuntimeError};
use crate::sandbox::{Sandbox, SandboxStage};
use skiff_cri::streams::Duplex;
use skiff_shim::protocol::{Answer, Call, Family};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;
use tokio::net::{TcpSocket, TcpStream};

/// Loopback answers at once or never.
const CONNECT: Duration = Duration::from_secs(10);

impl Core {
    /// Connects to a TCP port on the sandbox's loopback interface.
    pub async fn port_forward(&self, id: &str, port: u16) -> Outcome<Duplex> {
        let sandbox = self.sandbox(id)?;
        if sandbox.stage() != SandboxStage::Ready {
            return Err(RuntimeError::Precondition(format!(
                "sandbox container {:?} is not running",
                sandbox.id
            )));
        }
        let stream = match connect(&sandbox, Family::V4, IpAddr::V4(Ipv4Addr::LOCALHOST), port).await {
            Ok(stream) => stream,
            Err(first) => {
                connect(&sandbox, Family::V6, IpAddr::V6(Ipv6Addr::LOCALHOST), port).await.map_err(|_| {
                    RuntimeError::Internal(format!(
                        "failed to connect to localhost:{port} inside pod: {first}"
                    ))
                })?
            }
        };
        let (reader, writer) = stream.into_split();
        Ok(Duplex { reader: Box::new(reader), writer: Box::new(writer) })
    }
}

async fn connect(sandbox: &Sandbox, family: Family, address: IpAddr, port: u16) -> Outcome<TcpStream> {
    let mut connection = sandbox.shim.connect().await?;
    connection.send(Call::Socket { family }, &[]).await?;
    match connection.expect().await? {
        Answer::Done => {}
        other => return Err(RuntimeError::Internal(format!("shim answered {other:?} to a socket"))),
    }
    let socket = std::net::TcpStream::from(connection.take_descriptor()?);
    let connecting = TcpSocket::from_std_stream(socket).connect(SocketAddr::new(address, port));
    tokio::time::timeout(CONNECT, connecting)
        .await
        .map_err(|_| RuntimeError::Deadline("timeout".to_owned()))?
        .map_err(RuntimeError::internal)
}
