//! A channel that is bounded in bytes: the memory of a run does not depend on how far the reader is ahead.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

/// Permits count kibibytes, so that a `u32` is enough for every bound.
const UNIT: usize = 1024;

/// Makes a channel that holds at most `bytes` (at least one message of any size).
pub(crate) fn channel<T>(bytes: usize) -> (Sender<T>, Receiver<T>) {
    let units = u32::try_from(bytes.div_ceil(UNIT).max(1)).unwrap_or(u32::MAX >> 4);
    let (sender, receiver) = mpsc::unbounded_channel();
    (Sender { space: Arc::new(Semaphore::new(units as usize)), units, sender }, Receiver { receiver })
}

/// The sending end.
pub(crate) struct Sender<T> {
    space: Arc<Semaphore>,
    units: u32,
    sender: mpsc::UnboundedSender<(T, OwnedSemaphorePermit)>,
}

/// The receiver is gone.
#[derive(Debug)]
pub(crate) struct Closed;

impl<T> Sender<T> {
    /// Waits until `message`, which takes `bytes`, has space. A message larger than the channel takes all of it.
    pub(crate) async fn send(&self, message: T, bytes: usize) -> Result<(), Closed> {
        let units = u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(self.units).clamp(1, self.units);
        let permit = Arc::clone(&self.space).acquire_many_owned(units).await.map_err(|_| Closed)?;
        self.sender.send((message, permit)).map_err(|_| Closed)
    }
}

/// The receiving end.
pub(crate) struct Receiver<T> {
    receiver: mpsc::UnboundedReceiver<(T, OwnedSemaphorePermit)>,
}

/// Holds the space of a received message until it is dropped: a message counts while it is worked on.
pub(crate) struct Space(#[allow(dead_code)] OwnedSemaphorePermit); // held for its drop

impl<T> Receiver<T> {
    /// The next message; `None` when the sender is gone and everything is received.
    pub(crate) async fn receive(&mut self) -> Option<(T, Space)> {
        self.receiver.recv().await.map(|(message, permit)| (message, Space(permit)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    #[tokio::test]
    async fn bytes_bound_what_is_in_flight() {
        let (sender, mut receiver) = channel::<u8>(4 * UNIT);
        sender.send(1, 3 * UNIT).await.unwrap();
        let mut second = Box::pin(sender.send(2, 2 * UNIT));
        assert!(second.as_mut().now_or_never().is_none(), "no space for the second message");
        let (message, space) = receiver.receive().await.unwrap();
        assert_eq!(message, 1);
        assert!(second.as_mut().now_or_never().is_none(), "the first message is still worked on");
        drop(space);
        second.await.unwrap();
    }

    #[tokio::test]
    async fn a_message_larger_than_the_channel_passes_alone() {
        let (sender, mut receiver) = channel::<u8>(UNIT);
        sender.send(1, 100 * UNIT).await.unwrap();
        assert!(sender.send(2, 1).now_or_never().is_none());
        assert_eq!(receiver.receive().await.unwrap().0, 1);
    }

    #[tokio::test]
    async fn a_dropped_receiver_is_noticed() {
        let (sender, receiver) = channel::<u8>(UNIT);
        drop(receiver);
        assert!(sender.send(1, 1).await.is_err());
    }
}
