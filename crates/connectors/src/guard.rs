//! Keeps outgoing calls away from private addresses, whatever a link or a name server says.
//!
//! Members choose webhook addresses, so without this anyone who may add a contact could make the server call its own
//! neighbours: the metadata service of a cloud, a database's HTTP port, itself.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// The address ranges that are not the public internet: IANA's special-purpose registries, multicast, and the address
/// at which Azure serves its machines.
const RESERVED_V4: [(Ipv4Addr, u8); 17] = [
    (Ipv4Addr::UNSPECIFIED, 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(168, 63, 129, 16), 32),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 31, 196, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];

/// Ranges inside the global unicast block `2000::/3` that are not the public internet either. Everything outside the
/// block is refused without being listed.
const RESERVED_V6: [(Ipv6Addr, u8); 3] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

/// A range of addresses, written as `10.0.0.0/8`, `fd00::/8` or one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    base: IpAddr,
    prefix: u8,
}

/// A text that is no range of addresses.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is neither \"all\" nor an address range such as 10.0.0.0/8")]
pub struct NetworkError(String);

impl Network {
    /// Whether the address lies in the range.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.base, address) {
            (IpAddr::V4(base), IpAddr::V4(address)) => {
                let shift = 32 - u32::from(self.prefix);
                base.to_bits().checked_shr(shift) == address.to_bits().checked_shr(shift)
            }
            (IpAddr::V6(base), IpAddr::V6(address)) => {
                let shift = 128 - u32::from(self.prefix);
                base.to_bits().checked_shr(shift) == address.to_bits().checked_shr(shift)
            }
            _ => false,
        }
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let wrong = || NetworkError(text.to_owned());
        let (base, prefix) = text.trim().split_once('/').map_or((text.trim(), None), |(b, p)| (b, Some(p)));
        let base: IpAddr = base.parse().map_err(|_| wrong())?;
        let widest = if base.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.map_or(Ok(widest), |p| p.parse().map_err(|_| wrong()))?;
        if prefix > widest {
            return Err(wrong());
        }
        Ok(Self { base, prefix })
    }
}

/// Which private addresses may be called all the same; by default none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Guard {
    all: bool,
    allowed: Vec<Network>,
}

impl Guard {
    /// Lets every address through.
    pub fn allow_all() -> Self {
        Self { all: true, allowed: Vec::new() }
    }

    /// Whether this address may be called: it is public, or the operator allowed its range. An IPv6 address that
    /// stands for an IPv4 one is judged as that one.
    pub fn permits(&self, address: IpAddr) -> bool {
        let meant = embedded(address);
        self.all
            || self.allowed.iter().any(|network| network.contains(address) || network.contains(meant))
            || is_public(meant)
    }
}

/// Ranges separated by commas, or `all`; the empty text allows nothing private.
impl FromStr for Guard {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        text.split(',').map(str::trim).filter(|part| !part.is_empty()).try_fold(
            Self::default(),
            |guard, part| {
                if part.eq_ignore_ascii_case("all") {
                    return Ok(Self { all: true, ..guard });
                }
                let mut allowed = guard.allowed;
                allowed.push(part.parse()?);
                Ok(Self { allowed, ..guard })
            },
        )
    }
}

/// The IPv4 address inside an IPv6 one that a host or a gateway turns into it: mapped, NAT64 (RFC 6052), 6to4
/// (RFC 3056). Any other address is itself.
fn embedded(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else { return address };
    match v6.octets() {
        [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, v4 @ ..]
        | [0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0, v4 @ ..] => IpAddr::from(v4),
        [0x20, 0x02, first, second, third, fourth, ..] => IpAddr::from([first, second, third, fourth]),
        _ => address,
    }
}

fn is_public(address: IpAddr) -> bool {
    let within = |(base, prefix): (IpAddr, u8)| Network { base, prefix }.contains(address);
    match address {
        IpAddr::V4(_) => !RESERVED_V4.iter().any(|&(base, prefix)| within((base.into(), prefix))),
        IpAddr::V6(v6) => {
            v6.segments()[0] >> 13 == 1
                && !RESERVED_V6.iter().any(|&(base, prefix)| within((base.into(), prefix)))
        }
    }
}

/// An address that the guard stopped; the marker by which a failed request is recognised.
#[derive(Debug, thiserror::Error)]
#[error("the address {0} is private or reserved")]
pub(crate) struct ForbiddenAddress(pub(crate) IpAddr);

/// Resolves names and keeps only permitted addresses. The connection is made to what this returns, so a name that
/// changes its address between a check and the call gains nothing.
pub(crate) struct GuardedResolver(pub(crate) Arc<Guard>);

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = Arc::clone(&self.0);
        Box::pin(async move {
            // The port is replaced by that of the link.
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let stopped = found.first().map(SocketAddr::ip);
            let permitted: Vec<SocketAddr> =
                found.into_iter().filter(|address| guard.permits(address.ip())).collect();
            match stopped {
                Some(address) if permitted.is_empty() => Err(ForbiddenAddress(address).into()),
                _ => Ok(Box::new(permitted.into_iter()) as Addrs),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn permits(guard: &str, address: &str) -> bool {
        let guard: Guard = guard.parse().expect("a guard");
        guard.permits(address.parse().expect("an address"))
    }

    #[test]
    fn private_and_reserved_addresses_are_stopped() {
        for address in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "100.100.100.200",
            "127.0.0.1",
            "127.255.255.254",
            "168.63.129.16",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.192",
            "192.168.1.1",
            "198.19.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "fe80::1",
            "fec0::1",
            "fc00::1",
            "fd00:ec2::254",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:a9fe:a9fe",
            "64:ff9b::10.0.0.1",
            "64:ff9b:1::1",
            "2002:7f00:1::1",
            "2002:a00:1::",
            "2001::1",
            "2001:db8::1",
            "100::1",
            "4000::1",
        ] {
            assert!(!permits("", address), "{address}");
        }
    }

    #[test]
    fn public_addresses_pass() {
        for address in [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.167.255.255",
            "223.255.255.255",
            "2606:4700:4700::1111",
            "2a00:1450::1",
            "::ffff:1.1.1.1",
            "64:ff9b::101:101",
            "2002:101:101::1",
            "2001:4860:4860::8888",
        ] {
            assert!(permits("", address), "{address}");
        }
    }

    #[test]
    fn the_operator_allows_by_range() {
        assert!(permits("10.0.0.0/8, fd00::/8", "10.200.0.1"));
        assert!(permits("10.0.0.0/8, fd00::/8", "fd00::5"));
        assert!(permits("10.0.0.0/8", "::ffff:10.0.0.1"));
        assert!(!permits("10.0.0.0/8, fd00::/8", "192.168.0.1"));
        assert!(permits("127.0.0.1", "127.0.0.1"));
        assert!(!permits("127.0.0.1", "127.0.0.2"));
        assert!(permits("0.0.0.0/0", "169.254.169.254"));
        assert!(permits("::/0", "::1"));
        assert!(permits("ALL", "169.254.169.254"));
    }

    #[test]
    fn other_texts_are_no_ranges() {
        for text in ["10.0.0.0/33", "::/129", "ten", "10.0.0.0/", "10.0.0.0/x", "some"] {
            assert!(text.parse::<Guard>().is_err(), "{text}");
        }
    }
}
