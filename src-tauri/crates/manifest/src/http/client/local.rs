//! Which addresses are those of this computer and the local network.

use std::net::IpAddr;

use reqwest::Url;

/// Whether any address of the host is private. A name that does not resolve is not.
pub(super) async fn is_local(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Ipv4(address)) => is_private(address.into()),
        Some(url::Host::Ipv6(address)) => is_private(address.into()),
        Some(url::Host::Domain(name)) => {
            if name == "localhost" || name.ends_with(".localhost") {
                return true;
            }
            let port = url.port_or_known_default().unwrap_or(443);
            match tokio::net::lookup_host((name, port)).await {
                Ok(mut addresses) => addresses.any(|address| is_private(address.ip())),
                Err(_) => false,
            }
        }
        None => false,
    }
}

fn is_private(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            let [first, second, ..] = v4.octets();
            v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || v4.is_unspecified()
                || v4.is_broadcast()
                || (first == 100 && (64..128).contains(&second))
        }
        IpAddr::V6(v6) => {
            let first = v6.segments()[0];
            v6.is_loopback() || v6.is_unspecified() || first & 0xfe00 == 0xfc00 || first & 0xffc0 == 0xfe80
        }
    }
}
