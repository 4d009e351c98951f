//! Who has a connection, and who gives one up.
//!
//! *In:* clients that come, and since when each connection waits for its client. *Out:* a place, or none.
//!
//! ```text
//! the client's address has its share already  ──► the one of its connections that waits longest gives way, or it is refused
//! all places are taken                        ──► the connection that waits longest gives way, or the newcomer waits
//! ```
//!
//! So slow clients, however many, hold up nobody: each newcomer that asks at once is served. A connection for which the node
//! is at work is never given up. Clients on this machine have no share of their own: a proxy in front of the node is one of
//! them, and all its clients are.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, MutexGuard},
};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::client_socket::ClientSocket;

/// All places.
#[derive(Debug)]
pub(super) struct Places {
    limit: usize,
    per_address: usize,
    taken: Mutex<Taken>,
    /// Told when a place is left.
    pub(super) left: Notify,
}

#[derive(Debug, Default)]
struct Taken {
    next: u64,
    places: HashMap<u64, Entry>,
    by_address: HashMap<IpAddr, usize>,
}

#[derive(Debug)]
struct Entry {
    address: IpAddr,
    client: ClientSocket,
    give_way: CancellationToken,
}

/// A place for a connection, until it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    places: Arc<Places>,
    number: u64,
    /// Pulled when the connection shall end: somebody else has its place.
    pub(super) give_way: CancellationToken,
}

/// Why there is no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoPlace {
    /// The node is at work for every one.
    Full,
    /// It is at work for every one of this address.
    AddressFull,
}

impl Places {
    pub(super) fn new(limit: usize, per_address: usize) -> Arc<Self> {
        Arc::new(Self {
            limit,
            per_address,
            taken: Mutex::default(),
            left: Notify::new(),
        })
    }

    /// A place for this client, and be it another one's.
    pub(super) fn take(self: &Arc<Self>, address: IpAddr, client: &ClientSocket) -> Result<Place, NoPlace> {
        let address = share_of(address);
        let mut taken = self.taken();
        let has = taken.by_address.get(&address).copied().unwrap_or(0);
        if !address.is_loopback() && has >= self.per_address && !taken.give_one_up(Some(address)) {
            return Err(NoPlace::AddressFull);
        }
        if taken.places.len() >= self.limit && !taken.give_one_up(None) {
            return Err(NoPlace::Full);
        }
        let number = taken.next;
        taken.next += 1;
        let give_way = CancellationToken::new();
        let entry = Entry {
            address,
            client: client.clone(),
            give_way: give_way.clone(),
        };
        taken.places.insert(number, entry);
        *taken.by_address.entry(address).or_default() += 1;
        Ok(Place {
            places: Arc::clone(self),
            number,
            give_way,
        })
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().expect("nothing panics while it is held")
    }
}

impl Taken {
    /// Ends the connection that waits longest for its client, among those of an address or all; false when none waits.
    fn give_one_up(&mut self, address: Option<IpAddr>) -> bool {
        let of_address = |entry: &Entry| address.is_none_or(|address| entry.address == address);
        let since = self.places.iter().filter(|(_, entry)| of_address(entry));
        let since = since.filter_map(|(number, entry)| Some((entry.client.waiting().since()?, *number)));
        let Some((_, number)) = since.min() else {
            return false;
        };
        if let Some(entry) = self.leave(number) {
            entry.give_way.cancel();
        }
        true
    }

    fn leave(&mut self, number: u64) -> Option<Entry> {
        let entry = self.places.remove(&number)?;
        let has = self.by_address.get_mut(&entry.address);
        let has = has.expect("each place is counted");
        *has -= 1;
        if *has == 0 {
            self.by_address.remove(&entry.address);
        }
        Some(entry)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.taken().leave(self.number); // unless it was given to another
        self.places.left.notify_one();
    }
}

/// The addresses that one client can have at no cost count as one: in IPv6 the last 64 bits are its own choice.
fn share_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) if !address.is_loopback() => {
            let prefix = u128::from(address) & !u128::from(u64::MAX);
            Ipv6Addr::from(prefix).into()
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::net::{TcpListener, TcpStream};

    use super::*;
    use crate::client_socket::Connection;

    /// A connection that waits for its client, and both ends of it.
    async fn client() -> (ClientSocket, (Connection, TcpStream)) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let ours = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        let (connection, client) = Connection::new(stream, Duration::ZERO, CancellationToken::new());
        std::thread::sleep(Duration::from_micros(10)); // no two since the same moment
        (client, (connection, ours))
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[tokio::test]
    async fn the_one_that_waits_longest_gives_way() {
        let places = Places::new(3, 2);
        let (mut clients, mut kept) = (Vec::new(), Vec::new());
        for _ in 0..6 {
            let (client, ends) = client().await;
            clients.push(client);
            kept.push(ends);
        }
        let take = |address: IpAddr, client: usize| places.take(address, &clients[client]);
        let (one, other) = (address("192.0.2.1"), address("192.0.2.2"));
        let first = take(one, 0).unwrap();
        let second = take(one, 1).unwrap();
        // The address has two: its own first goes, while the node is at work for none.
        let third = take(one, 2).unwrap();
        assert!(first.give_way.is_cancelled() && !second.give_way.is_cancelled());
        // At work for both: refused.
        clients[1].waiting().for_node();
        clients[2].waiting().for_node();
        assert_eq!(take(one, 3).unwrap_err(), NoPlace::AddressFull);
        let fourth = take(other, 3).unwrap();
        assert!(!second.give_way.is_cancelled() && !third.give_way.is_cancelled());
        // All three places are taken: the only one that waits goes, whoever's it is.
        let fifth = take(other, 4).unwrap();
        assert!(fourth.give_way.is_cancelled());
        clients[4].waiting().for_node();
        assert_eq!(take(address("198.51.100.7"), 5).unwrap_err(), NoPlace::Full);
        drop(second);
        assert!(take(address("198.51.100.7"), 5).is_ok());
        // What gave way and ends then leaves nobody else's place.
        drop((first, fourth));
        clients[1].waiting().for_client();
        let _place = take(one, 1).unwrap();
        assert_eq!(take(address("198.51.100.8"), 5).map(drop), Ok(()));
        drop((third, fifth));
    }

    #[tokio::test]
    async fn clients_on_this_machine_have_no_share() {
        let places = Places::new(10, 1);
        let (client, _ends) = client().await;
        let taken: Vec<_> = (0..10)
            .map(|n| {
                places
                    .take(address(["127.0.0.1", "::1", "::ffff:127.0.0.1"][n % 3]), &client)
                    .unwrap()
            })
            .collect();
        assert!(taken.iter().all(|place| !place.give_way.is_cancelled()));
    }

    #[test]
    fn what_one_client_can_choose_counts_as_one() {
        let same = |a, b| share_of(address(a)) == share_of(address(b));
        assert!(same("2001:db8:1:2::1", "2001:db8:1:2:ffff::7"));
        assert!(!same("2001:db8:1:2::1", "2001:db8:1:3::1"));
        assert!(same("::ffff:192.0.2.1", "192.0.2.1"));
        assert!(!same("192.0.2.1", "192.0.2.2"));
        assert!(share_of(address("::1")).is_loopback());
    }
}
