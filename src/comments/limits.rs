//! How much readers may do, by network and by e-mail address. Must not know HTTP.

use std::num::NonZeroU32;
use std::time::Duration;

use crate::base::email::EmailKey;
use crate::settings::RateLimit;
use crate::web::client_address::Network;
use crate::web::throttle::Throttle;

/// The readers' limits, in this instance.
pub struct Limits {
    submit_network: Throttle<Network>,
    submit_email: Throttle<EmailKey>,
    submit_email_network: Throttle<(EmailKey, Network)>,
    react_network: Throttle<Network>,
    read_network: Throttle<Network>,
}

/// Whether a submission is within its e-mail address's limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::comments) enum Pace {
    /// It is.
    Usual,
    /// It isn't, but what came before came from several networks: somebody may be using a stranger's address to have
    /// it blocked, so the comment is held instead of refused.
    Hurried,
}

const fn times(number: u32) -> NonZeroU32 {
    match NonZeroU32::new(number) {
        Some(number) => number,
        None => NonZeroU32::MIN,
    }
}

impl Limits {
    /// With the rates of the API's table.
    pub fn new(limiting: RateLimit) -> Self {
        Self {
            submit_network: Throttle::new("submit_network", limiting, times(20), times(10)),
            submit_email: Throttle::new("submit_email", limiting, times(10), times(10)),
            submit_email_network: Throttle::new(
                "submit_email_network",
                limiting,
                times(10),
                times(10),
            ),
            react_network: Throttle::new("react_network", limiting, times(30), times(10)),
            read_network: Throttle::new("read_network", limiting, times(600), times(200)),
        }
    }

    /// Takes a submission from the allowances; the error says how long to wait.
    pub(in crate::comments) fn take_submission(
        &self,
        network: Network,
        email: &EmailKey,
    ) -> Result<Pace, Duration> {
        self.submit_network.take(&network)?;
        let alone = self.submit_email_network.take(&(email.clone(), network));
        match (self.submit_email.take(email), alone) {
            (Ok(()), _) => Ok(Pace::Usual),
            (Err(_), Ok(())) => Ok(Pace::Hurried),
            (Err(_), Err(wait)) => Err(wait),
        }
    }

    /// Takes an author's edit from the network's allowance for submissions.
    pub(in crate::comments) fn take_edit(&self, network: Network) -> Result<(), Duration> {
        self.submit_network.take(&network)
    }

    /// Takes a vote or a report from the network's allowance for both.
    pub(in crate::comments) fn take_reaction(&self, network: Network) -> Result<(), Duration> {
        self.react_network.take(&network)
    }

    /// Takes a public read from the network's allowance.
    pub fn take_read(&self, network: Network) -> Result<(), Duration> {
        self.read_network.take(&network)
    }

    /// Forgets keys that have not been used for a while.
    pub fn forget_idle(&self) {
        self.submit_network.forget_idle();
        self.submit_email.forget_idle();
        self.submit_email_network.forget_idle();
        self.react_network.forget_idle();
        self.read_network.forget_idle();
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;
    use crate::base::email::EmailAddress;
    use crate::web::client_address::ClientAddress;

    fn network(last: u8) -> Network {
        ClientAddress::new(IpAddr::from([192, 0, 2, last])).network()
    }

    #[test]
    fn an_address_in_a_hurry_is_refused_from_one_network_and_held_from_several() {
        let limits = Limits::new(RateLimit::On);
        let email = EmailAddress::parse("ada@example.org").unwrap();
        for _ in 0..10 {
            assert_eq!(
                limits.take_submission(network(1), email.key()),
                Ok(Pace::Usual)
            );
        }
        assert!(limits.take_submission(network(1), email.key()).is_err());
        assert_eq!(
            limits.take_submission(network(2), email.key()),
            Ok(Pace::Hurried)
        );
    }

    #[test]
    fn a_network_has_ten_at_once_whatever_the_addresses() {
        let limits = Limits::new(RateLimit::On);
        let taken = (0..12)
            .filter(|n| {
                let email = EmailAddress::parse(&format!("reader{n}@example.org")).unwrap();
                limits.take_submission(network(1), email.key()).is_ok()
            })
            .count();
        assert_eq!(taken, 10);
        let off = Limits::new(RateLimit::Off);
        let email = EmailAddress::parse("ada@example.org").unwrap();
        assert!((0..100).all(|_| off.take_submission(network(1), email.key()) == Ok(Pace::Usual)));
    }
}
