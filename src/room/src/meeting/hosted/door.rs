//! Wrong PINs: how long an address waits, and how many guesses the whole network gets.
//!
//! Three tries are free, then each wrong one doubles the wait from 1 s to 5 min. Besides, all addresses together have
//! 30 wrong PINs and get one more every ten seconds: with six digits the chance of a hit in eight hours is below
//! 0.3 %, from however many addresses, and a hit leads to the lobby only. Tokens do not count there: nobody guesses 128 bits.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

const FREE: u32 = 3;
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(300);
const BUDGET: u32 = 30;
const REFILL: Duration = Duration::from_secs(10);
/// Addresses remembered at once; an attacker with more of them still has the common budget.
const REMEMBERED: usize = 512;

/// The door of one meeting.
#[derive(Debug, Default)]
pub struct Door {
    addresses: HashMap<IpAddr, Tries>,
    /// Wrong PINs of all, as of `counted`.
    spent: u32,
    counted: Option<Instant>,
}

#[derive(Clone, Copy, Debug)]
struct Tries {
    wrong: u32,
    until: Instant,
}

impl Door {
    /// How long this address has to wait before a PIN or token is looked at; `None`: not at all.
    pub fn wait(&mut self, now: Instant, address: IpAddr, is_pin: bool) -> Option<Duration> {
        self.refill(now);
        let own = self.addresses.get(&network(address)).map(|tries| tries.until.saturating_duration_since(now));
        let common = match self.counted {
            Some(counted) if is_pin && self.spent >= BUDGET => (counted + REFILL).saturating_duration_since(now),
            _ => Duration::ZERO,
        };
        Some(own.unwrap_or_default().max(common)).filter(|wait| !wait.is_zero())
    }

    /// Notes a wrong PIN or token; how long the address waits now.
    pub fn wrong(&mut self, now: Instant, address: IpAddr, is_pin: bool) -> Duration {
        self.refill(now);
        if is_pin {
            self.spent += 1;
            self.counted.get_or_insert(now);
        }
        let address = network(address);
        if self.addresses.len() >= REMEMBERED && !self.addresses.contains_key(&address) {
            self.forget_one();
        }
        let tries = self.addresses.entry(address).or_insert(Tries { wrong: 0, until: now });
        tries.wrong = tries.wrong.saturating_add(1);
        let doublings = tries.wrong.checked_sub(FREE);
        let wait = doublings.map_or(Duration::ZERO, |n| {
            2_u32.checked_pow(n).map_or(LONGEST_WAIT, |factor| FIRST_WAIT.saturating_mul(factor)).min(LONGEST_WAIT)
        });
        tries.until = now + wait;
        wait
    }

    /// Notes that an address knows the secret.
    pub fn right(&mut self, address: IpAddr) {
        self.addresses.remove(&network(address));
    }

    fn refill(&mut self, now: Instant) {
        while let Some(counted) = self.counted
            && now.saturating_duration_since(counted) >= REFILL
        {
            self.spent = self.spent.saturating_sub(1);
            self.counted = (self.spent > 0).then(|| counted + REFILL);
        }
    }

    fn forget_one(&mut self) {
        let oldest = self.addresses.iter().min_by_key(|(_, tries)| tries.until).map(|(address, _)| *address);
        if let Some(oldest) = oldest {
            self.addresses.remove(&oldest);
        }
    }
}

/// What counts as one address: with IPv6 the /64 that one subscriber has.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((u128::from(address) >> 64 << 64).into()),
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn three_tries_are_free_and_then_the_wait_doubles_to_five_minutes() {
        let (mut door, start) = (Door::default(), Instant::now());
        let here: IpAddr = "192.0.2.1".parse().unwrap();
        let mut now = start;
        let mut waits = Vec::new();
        for _ in 0..13 {
            assert_eq!(door.wait(now, here, true), None);
            let wait = door.wrong(now, here, true);
            waits.push(wait.as_secs());
            if !wait.is_zero() {
                assert_eq!(door.wait(now + wait / 2, here, true), Some(wait / 2));
            }
            now += wait;
        }
        assert_eq!(waits, [0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
        let other: IpAddr = "192.0.2.2".parse().unwrap();
        assert_eq!(door.wait(now, other, true), None);
        door.right(here);
        assert_eq!(door.wrong(now, here, true), Duration::ZERO);
    }

    #[test]
    fn one_subscriber_is_one_address() {
        let one = |text: &str| network(text.parse().unwrap());
        assert_eq!(one("2001:db8::1"), one("2001:db8::ffff:1"));
        assert_ne!(one("2001:db8::1"), one("2001:db8:0:1::1"));
        assert_eq!(one("::ffff:192.0.2.1"), one("192.0.2.1"));
    }

    #[test]
    fn many_addresses_share_one_budget_and_tokens_do_not_need_it() {
        let (mut door, start) = (Door::default(), Instant::now());
        let address = |n: u32| IpAddr::V4((0x0a00_0000 + n).into());
        for n in 0..BUDGET {
            assert_eq!(door.wait(start, address(n), true), None);
            door.wrong(start, address(n), true);
        }
        assert_eq!(door.wait(start, address(99), true), Some(REFILL));
        assert_eq!(door.wait(start, address(99), false), None);
        assert_eq!(door.wait(start + REFILL, address(99), true), None);
        door.wrong(start + REFILL, address(99), true);
        assert_eq!(door.wait(start + REFILL, address(98), true), Some(REFILL));
        assert_eq!(door.wait(start + REFILL * 40, address(98), true), None);
    }

    #[test]
    fn memory_is_bounded() {
        let (mut door, start) = (Door::default(), Instant::now());
        for n in 0..2000_u32 {
            door.wrong(start + seconds(u64::from(n)), IpAddr::V4(n.into()), false);
        }
        assert!(door.addresses.len() <= REMEMBERED);
    }

    proptest! {
        /// However guesses are spread over addresses and time, no more of them are looked at than the budget allows.
        #[test]
        fn the_budget_holds(steps in prop::collection::vec((0_u64..4, 0_u32..200), 1..400)) {
            let (mut door, start) = (Door::default(), Instant::now());
            let (mut now, mut looked_at) = (start, 0_u64);
            for (pause, n) in steps {
                now += seconds(pause);
                let address = IpAddr::V4(n.into());
                if door.wait(now, address, true).is_none() {
                    door.wrong(now, address, true);
                    looked_at += 1;
                }
                prop_assert!(looked_at <= u64::from(BUDGET) + now.duration_since(start).as_secs() / REFILL.as_secs());
            }
        }
    }
}
