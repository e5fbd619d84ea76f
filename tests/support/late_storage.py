"""Storage whose answers a test gives."""

from twisted.internet.defer import Deferred

from filtered_websocket.storage_objects.memory import StorageObject


class LateStorage(StorageObject):
    """Confirms subscriptions, and publications, when the test says so."""

    def __init__(self):
        super().__init__()
        self.calls = []
        self.answers = []
        self.sent = []

    def subscribe(self, channel):
        super().subscribe(channel)
        self.calls.append(f"+{channel}")
        self.answers.append(Deferred())
        return self.answers[-1]

    def unsubscribe(self, channel):
        self.calls.append(f"-{channel}")
        return super().unsubscribe(channel)

    def stop(self):
        for each in (*self.answers, *self.sent):
            if not each.called:
                each.callback(None)
        return super().stop()

    def send(self, publication, keep=None):
        super().send(publication, keep)
        self.sent.append(Deferred())
        return self.sent[-1]
