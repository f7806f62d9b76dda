//! Links, addresses and routes of the namespace of the thread that opens [`Links`].

use crate::interface::{self, INSIDE};
use crate::{Error, Result, families};
use futures::TryStreamExt;
use ipnet::IpNet;
use rtnetlink::packet_route::address::AddressHeaderFlags;
use rtnetlink::packet_route::link::{InfoData, InfoVeth, LinkAttribute, LinkMessage};
use rtnetlink::packet_route::route::{RouteAttribute, RouteMessage, RouteScope};
use rtnetlink::{Handle, LinkBridge, LinkBridgePort, LinkUnspec, LinkVeth, RouteMessageBuilder};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::RawFd;

/// A connection to rtnetlink.
pub(crate) struct Links {
    handle: Handle,
    connection: tokio::task::AbortHandle,
}

/// A link, as far as it matters here.
#[derive(Debug, Clone, Default)]
pub(crate) struct Link {
    pub(crate) index: u32,
    pub(crate) name: String,
    pub(crate) alias: String,
    pub(crate) controller: Option<u32>,
    pub(crate) mtu: u32,
}

/// A veth pair to be made.
pub(crate) struct VethPair<'a> {
    pub(crate) outside: &'a str,
    pub(crate) bridge: u32,
    pub(crate) mtu: u32,
    pub(crate) namespace: RawFd,
    pub(crate) hardware_address: Vec<u8>,
}

impl Drop for Links {
    fn drop(&mut self) {
        self.connection.abort();
    }
}

impl Links {
    /// Connects; must be called inside a tokio runtime.
    pub(crate) fn open() -> Result<Self> {
        let (connection, handle, _) = rtnetlink::new_connection()
            .map_err(|e| Error::file(std::path::Path::new("rtnetlink socket"), e))?;
        Ok(Self { handle, connection: tokio::spawn(connection).abort_handle() })
    }

    /// A link by name; `None` if there is none.
    pub(crate) async fn find(&self, name: &str) -> Result<Option<Link>> {
        let found = self.handle.link().get().match_name(name.to_owned()).execute().try_next().await;
        match found {
            Ok(message) => Ok(message.map(Link::read)),
            Err(error) if errno(&error) == Some(libc::ENODEV) => Ok(None),
            Err(error) => Err(Error::link(format!("look up {name}"))(error)),
        }
    }

    /// The index of a link that must be there.
    pub(crate) async fn index(&self, name: &str) -> Result<u32> {
        let link = self.find(name).await?.ok_or_else(|| Error::Vanished(name.to_owned()))?;
        Ok(link.index)
    }

    /// All links.
    pub(crate) async fn list(&self) -> Result<Vec<Link>> {
        let links = self.handle.link().get().execute().map_ok(Link::read).try_collect();
        links.await.map_err(Error::link("list links"))
    }

    /// Makes a bridge that is up; returns its index.
    pub(crate) async fn add_bridge(&self, name: &str, alias: &str, mtu: u32, gateway: IpAddr) -> Result<u32> {
        // A bridge without an address of its own takes one of its ports', and changes it as ports come and go.
        let message =
            LinkBridge::new(name).address(interface::hardware_address(gateway)).mtu(mtu).up().build();
        let operation = || Error::link(format!("make bridge {name}"));
        self.handle.link().add(message).execute().await.map_err(operation())?;
        let index = self.index(name).await?;
        let message = LinkUnspec::new_with_index(index).alias(alias).build();
        self.handle.link().change(message).execute().await.map_err(operation())?;
        Ok(index)
    }

    /// Makes a veth pair: one end a port of the bridge, the other inside a namespace.
    pub(crate) async fn add_veth(&self, pair: VethPair<'_>) -> Result<()> {
        let inside = LinkUnspec::new_with_name(INSIDE)
            .mtu(pair.mtu)
            .address(pair.hardware_address)
            .setns_by_fd(pair.namespace)
            .build();
        let outside = LinkVeth::new(pair.outside, INSIDE)
            .set_info_data(InfoData::Veth(InfoVeth::Peer(inside)))
            .mtu(pair.mtu)
            .controller(pair.bridge)
            .up()
            .build();
        let operation = || Error::link(format!("make veth pair {}", pair.outside));
        self.handle.link().add(outside).execute().await.map_err(operation())?;
        let port = self.index(pair.outside).await?;
        // A packet that is translated on its way over the bridge may have to leave where it came in.
        let hairpin = LinkBridgePort::new(port).hairpin(true).build();
        self.handle.link().change(hairpin).execute().await.map_err(operation())
    }

    /// Removes a link; gone is success.
    pub(crate) async fn remove(&self, name: &str) -> Result<()> {
        let Some(link) = self.find(name).await? else { return Ok(()) };
        match self.handle.link().del(link.index).execute().await {
            Err(error) if errno(&error) != Some(libc::ENODEV) => {
                Err(Error::link(format!("remove {name}"))(error))
            }
            _ => Ok(()),
        }
    }

    /// Sets a link up.
    pub(crate) async fn set_up(&self, index: u32) -> Result<()> {
        let message = LinkUnspec::new_with_index(index).up().build();
        self.handle.link().change(message).execute().await.map_err(Error::link("set a link up"))
    }

    /// Gives a link an address; having it is success.
    pub(crate) async fn add_address(&self, index: u32, address: IpNet) -> Result<()> {
        let mut request = self.handle.address().add(index, address.addr(), address.prefix_len()).replace();
        // There is no other owner, and a pod must not wait two seconds for that to be found out.
        request.message_mut().header.flags |= AddressHeaderFlags::Nodad;
        request.execute().await.map_err(Error::link(format!("add address {address}")))
    }

    /// Routes everything through a gateway that is behind a link without being in its network.
    pub(crate) async fn route_through(&self, index: u32, gateway: IpAddr) -> Result<()> {
        let to_gateway = route(families::alone(gateway), index).map(|b| b.scope(RouteScope::Link));
        let to_all =
            route(families::everything(gateway), index).and_then(|b| b.gateway(gateway).map_err(invalid));
        for message in [to_gateway, to_all] {
            let message = message?.build();
            let added = self.handle.route().add(message).replace().execute().await;
            added.map_err(Error::link(format!("add a route through {gateway}")))?;
        }
        Ok(())
    }

    /// MTU of the link that the default route leads to.
    pub(crate) async fn default_route_mtu(&self) -> Result<Option<u32>> {
        let v4 = RouteMessageBuilder::<Ipv4Addr>::new().build();
        let v6 = RouteMessageBuilder::<Ipv6Addr>::new().build();
        for filter in [v4, v6] {
            let routes: Vec<RouteMessage> = self
                .handle
                .route()
                .get(filter)
                .execute()
                .try_collect()
                .await
                .map_err(Error::link("list routes"))?;
            let Some(index) = routes.iter().find_map(default_route_link) else { continue };
            let link = self.list().await?.into_iter().find(|link| link.index == index && link.name != "lo");
            if let Some(link) = link {
                return Ok(Some(link.mtu));
            }
        }
        Ok(None)
    }
}

impl Link {
    fn read(message: LinkMessage) -> Self {
        let mut link = Self { index: message.header.index, ..Self::default() };
        for attribute in message.attributes {
            match attribute {
                LinkAttribute::IfName(name) => link.name = name,
                LinkAttribute::IfAlias(alias) => link.alias = alias,
                LinkAttribute::Controller(index) => link.controller = Some(index),
                LinkAttribute::Mtu(mtu) => link.mtu = mtu,
                _ => {}
            }
        }
        link
    }
}

fn route(to: IpNet, index: u32) -> Result<RouteMessageBuilder<IpAddr>> {
    let builder = RouteMessageBuilder::<IpAddr>::new().destination_prefix(to.addr(), to.prefix_len());
    Ok(builder.map_err(invalid)?.output_interface(index))
}

fn invalid(error: impl std::fmt::Display) -> Error {
    Error::InvalidCidr(error.to_string())
}

fn default_route_link(route: &RouteMessage) -> Option<u32> {
    if route.header.destination_prefix_length != 0 {
        return None;
    }
    route.attributes.iter().find_map(|attribute| match attribute {
        RouteAttribute::Oif(index) => Some(*index),
        _ => None,
    })
}

fn errno(error: &rtnetlink::Error) -> Option<i32> {
    match error {
        rtnetlink::Error::NetlinkError(message) => message.code.map(|code| -code.get()),
        _ => None,
    }
}
