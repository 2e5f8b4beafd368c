"""Which addresses calls to the outside may reach: public ones, and OUTBOUND_NETWORKS.

The table follows IANA's registries of special-purpose addresses (iana.org/assignments,
iana-ipv4-special-registry and iana-ipv6-special-registry); of IPv6 only 2000::/3 is public.
"""

from __future__ import annotations

from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

from django.conf import settings

Address = IPv4Address | IPv6Address

NOT_PUBLIC = [  # the first that holds the address counts
    ("the metadata service of a cloud", "169.254.169.254/32"),
    ("the metadata service of a cloud", "100.100.100.200/32"),  # Alibaba
    ("the metadata service of a cloud", "192.0.0.192/32"),  # Oracle
    ("the metadata service of a cloud", "168.63.129.16/32"),  # Azure; a public address elsewhere
    ("the metadata service of a cloud", "fd00:ec2::254/128"),  # Amazon
    ("this machine itself", "0.0.0.0/8"),
    ("this machine itself", "127.0.0.0/8"),
    ("this machine itself", "::/127"),
    ("a private address", "10.0.0.0/8"),
    ("a private address", "172.16.0.0/12"),
    ("a private address", "192.168.0.0/16"),
    ("a private address", "fc00::/7"),
    ("a private address", "fec0::/10"),
    ("an address of a provider's own network", "100.64.0.0/10"),
    ("a link-local address", "169.254.0.0/16"),
    ("a link-local address", "fe80::/10"),
    ("a multicast address", "224.0.0.0/4"),
    ("a multicast address", "ff00::/8"),
    ("an address for documentation", "192.0.2.0/24"),
    ("an address for documentation", "198.51.100.0/24"),
    ("an address for documentation", "203.0.113.0/24"),
    ("an address for documentation", "2001:db8::/32"),
    ("an address for documentation", "3fff::/20"),
    ("an address for tests of networks", "198.18.0.0/15"),
    ("an address with a special use", "192.0.0.0/24"),
    ("an address with a special use", "192.88.99.0/24"),
    ("an address with a special use", "240.0.0.0/4"),
    ("an address with a special use", "2001::/23"),
    ("an address with a special use", "::/3"),
    ("an address with a special use", "4000::/2"),
    ("an address with a special use", "8000::/1"),
]
NETWORKS = [(words, ip_network(network)) for words, network in NOT_PUBLIC]
NAT64 = ip_network("64:ff9b::/96")


def why_not(text: str) -> str:
    """What keeps us from ``text``, as in “a private address”; nothing where it may be called."""
    address = ip_address(text)
    reached = reached_by(address)
    if any(each in network for network in allowed() for each in (address, reached)):
        return ""
    return next((words for words, network in NETWORKS if reached in network), "")


def reached_by(address: Address) -> Address:
    """Who answers at ``address``: an IPv4 address where IPv6 only carries it there."""
    if isinstance(address, IPv4Address):
        return address
    if address in NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


def allowed() -> list[IPv4Network | IPv6Network]:
    return [ip_network(network) for network in settings.OUTBOUND_NETWORKS]
