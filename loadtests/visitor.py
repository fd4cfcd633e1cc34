"""A person of the population who uses the site through its public API, and looks at what comes back."""

from __future__ import annotations

import hashlib
import random
import time
import uuid
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from loadtests.acknowledged import GONE, REFUSED, SENT, UNSEEN, Record, stamp
from loadtests.crowd import Crowd
from loadtests.marks import mark
from loadtests.outcome import BROKEN, Check, Outcome
from loadtests.phrases import CLOSINGS, OPENINGS, SUBJECTS
from loadtests.session import Session, missing_from

if TYPE_CHECKING:
    from loadtests.browser import Browser

API = "/api/v1"
PAGE = 20

_NOT_TAKEN = frozenset({400, 401, 403, 413, 422, 429})
"""What the site answers instead of taking a post."""


class Visitor:
    """One person with a session. Every public method is one thing that people do: one request, as a rule.

    `since` (time.perf_counter()) is when it should have been done; its latency counts from then.
    """

    def __init__(
        self,
        name: str,
        edge: str,
        browser: Browser,
        crowd: Crowd,
        *,
        polite: bool = True,
        record: Record | None = None,
        chance: random.Random | None = None,
    ) -> None:
        """`edge` is the one that this person tries first; `record` takes down what the site acknowledges, and
        what this person misses."""
        self.name = name
        self._edge = edge
        self._browser = browser
        self._crowd = crowd
        self._polite = polite
        self._record = record
        self._chance = chance or random.Random()
        self._token = ""
        self._session = Session()
        self._seen: deque[str] = deque(maxlen=2 * PAGE)
        self._retweeted: deque[str] = deque(maxlen=PAGE)
        self.backing_off_until = 0.0
        """By time.perf_counter(): until then the site asked to wait; --ignore-retry-after does not."""

    def act(self, action: Action, since: float | None = None) -> None:
        """Do one thing, logging in before it where there is no session."""
        if not self._token:
            self.log_in(since)
            since = None
        if self._token and not self.is_backing_off(time.perf_counter()):
            action(self, since)

    def is_backing_off(self, now: float) -> bool:
        return now < self.backing_off_until

    # --- what people do ---

    def log_in(self, since: float | None = None) -> None:
        answer = self._ask(
            "POST",
            "/sessions",
            "POST /sessions",
            since,
            expect=(200,),
            body={"name": self.name, "password": self._crowd.password},
            check=lambda body: "" if body["token"] else "no token",
        )
        if not answer.error:
            self._token = answer.body["token"]
            self._session = Session()

    def read_home(self, since: float | None = None) -> None:
        path = "/timelines/home"
        session, began = self._session, stamp()
        written = list(session.written)
        answer = self._ask("GET", f"{path}?limit={PAGE}", "GET /timelines/home", since, check=_is_timeline)
        self._remember(answer)
        self._miss(UNSEEN, answer, session, written, path, began)

    def read_person(self, since: float | None = None) -> None:
        name = self._crowd.looked_at(self._chance)
        path = f"/timelines/users/{name}"
        session, began = self._session, stamp()
        seen, written = session.seen_of(name), list(session.written) if name == self.name else []
        answer = self._ask(
            "GET",
            f"{path}?limit={PAGE}",
            "GET /timelines/users/{name}",
            since,
            check=_is_timeline_of(name),
        )
        self._remember(answer)
        self._miss(GONE, answer, session, seen, path, began)
        self._miss(UNSEEN, answer, session, written, path, began)
        if not answer.error:
            session.see(name, answer.body)

    def read_post(self, since: float | None = None) -> None:
        post = self._something_seen()
        if post is None:
            return self.read_home(since)
        self._ask("GET", f"/posts/{post}", "GET /posts/{id}", since, check=lambda body: _is_post(body, post))

    def read_profile(self, since: float | None = None) -> None:
        name = self._crowd.looked_at(self._chance)
        self._ask("GET", f"/users/{name}", "GET /users/{name}", since, check=_is_profile_of(name))

    def count_unread(self, since: float | None = None) -> None:
        self._ask("GET", "/notifications/unread", "GET /notifications/unread", since, check=_is_count)

    def read_notifications(self, since: float | None = None) -> None:
        path = f"/notifications?limit={PAGE}"
        self._ask("GET", path, "GET /notifications", since, check=_is_list_of_notifications)

    def read_last_change(self, since: float | None = None) -> None:
        """Look whether the like, retweet or follow that this session made last is there."""
        session, began = self._session, stamp()
        if session.changed is None:
            return self.count_unread(since)
        kind, subject = changed = session.changed
        path, operation, is_on = _SHOWN_BY[kind]
        answer = self._ask("GET", path.format(subject), operation, since)
        is_missing = not answer.error and not is_on(answer.body)
        if is_missing and session.changed == changed and self._record is not None:
            self._record.add(subject, self.name, kind, None, kind=UNSEEN, at=began)

    def write_post(self, since: float | None = None) -> None:
        """Write something nobody has written before, and take down what becomes of it."""
        key = uuid.uuid4().hex
        text = self._something_to_say(key)
        session = self._session
        if self._record is not None:
            # Before it is sent: whatever becomes of this process, nobody takes it for what nobody wrote.
            self._record.add("", self.name, text, None, kind=SENT)
        answer = self._post(text, key, since)
        is_refused = answer.status in _NOT_TAKEN
        if answer.error == BROKEN:
            # Nobody knows whether it was written. The key makes asking again safe, so a good client does.
            answer = self._post(text, key, None)
        if self._record is not None:
            if not answer.error:
                self._record.add(answer.body["id"], self.name, text, answer.body["replicated"])
            elif is_refused:
                self._record.add("", self.name, text, None, kind=REFUSED)
        if not answer.error:
            session.written.append(answer.body["id"])

    def like(self, since: float | None = None) -> None:
        post = self._something_seen()
        if post is None:
            return self.read_home(since)
        self._change("like", post, "PUT", f"/posts/{post}/like", "PUT /posts/{id}/like", since, expect=204)

    def retweet(self, since: float | None = None) -> None:
        post = self._something_seen()
        if post is None:
            return self.read_home(since)
        path = f"/posts/{post}/retweet"
        answer = self._change("retweet", post, "PUT", path, "PUT /posts/{id}/retweet", since)
        if not answer.error:
            self._retweeted.append(post)

    def undo_retweet(self, since: float | None = None) -> None:
        if not self._retweeted:
            return self.retweet(since)
        post = self._retweeted.popleft()
        if self._session.changed == ("retweet", post):
            self._session.changed = None
        path = f"/posts/{post}/retweet"
        self._change("undo-retweet", post, "DELETE", path, "DELETE /posts/{id}/retweet", since, expect=204)

    def follow(self, since: float | None = None) -> None:
        """Follow somebody else; to follow them again changes nothing."""
        name = self._crowd.looked_at(self._chance)
        if name == self.name:
            return self.read_home(since)
        self._change("follow", name, "PUT", f"/users/{name}/follow", "PUT /users/{name}/follow", since)

    def protect(self, since: float | None = None) -> None:
        """Show posts to everybody, and at once to approved followers only, as before. For those alone whom
        others take for protected; two requests."""
        if self.name not in self._crowd.protected:
            return self.read_home(since)
        path = "/me/protection"
        self._change("unprotect", self.name, "DELETE", path, "DELETE /me/protection", since, expect=204)
        self._change("protect", self.name, "PUT", path, "PUT /me/protection", None, expect=204)

    def log_out(self, since: float | None = None) -> None:
        """End the session; whatever the answer, it is not used any more."""
        session = hashlib.sha256(self._token.encode()).hexdigest()[:8]
        path = "/sessions/current"
        self._change(
            "revoke", session, "DELETE", path, "DELETE /sessions/current", since, 204, text=self._token
        )
        self._token = ""

    # --- how they do it ---

    def _ask(
        self,
        method: str,
        path: str,
        operation: str,
        since: float | None,
        *,
        expect: tuple[int, ...] = (200,),
        check: Check | None = None,
        body: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> Outcome:
        answer = self._browser.ask(
            method,
            API + path,
            operation=operation,
            first=self._edge,
            expect=expect,
            check=check,
            body=body,
            headers={
                "failwhale-client": "load",
                **(headers or {}),
                **({"Authorization": f"Bearer {self._token}"} if self._token else {}),
            },
            since=since,
        )
        if answer.status == 401:
            self._token = ""
        if answer.retry_after and self._polite:
            self.backing_off_until = time.perf_counter() + answer.retry_after
        return answer

    def _change(
        self,
        kind: str,
        subject: str,
        method: str,
        path: str,
        operation: str,
        since: float | None,
        expect: int = 200,
        text: str = "",
    ) -> Outcome:
        """Change something, and take down that it was acknowledged, or that this is not known."""
        session, replicated, was_refused = self._session, None, False
        try:
            answer = self._ask(method, path, operation, since, expect=(expect,))
            was_refused = 400 <= answer.status < 500
            if not answer.error:
                replicated = bool(answer.replicated)
                session.changed = (kind, subject) if kind in _SHOWN_BY else session.changed
        finally:
            # Also where the end of the load cuts this off: then nobody knows what became of it.
            if self._record is not None and not was_refused:
                self._record.add(subject, self.name, text, replicated, kind=kind)
        return answer

    def _post(self, text: str, key: str, since: float | None) -> Outcome:
        def check(body: Any) -> str:
            if body["text"] != text or body["author"]["name"] != self.name:
                return "another post than was sent"
            return "" if isinstance(body["replicated"], bool) else "does not say whether it is replicated"

        return self._ask(
            "POST",
            "/posts",
            "POST /posts",
            since,
            # 200 is what a repeated key gets.
            expect=(201, 200),
            check=check,
            body={"text": text},
            headers={"Idempotency-Key": key},
        )

    def _remember(self, answer: Outcome) -> None:
        """Keep what can be answered to: posts of people who let everybody read them."""
        if not answer.error:
            self._seen.extend(
                item["id"]
                for item in answer.body["items"]
                if item["author"]["name"] not in self._crowd.protected
            )

    def _miss(
        self, kind: str, answer: Outcome, session: Session, posts: Sequence[str], path: str, began: str
    ) -> None:
        """Take down which of these posts a timeline should have shown and did not. A read that failed is
        counted as that, and says nothing here."""
        if posts and not answer.error and self._record is not None:
            for post in missing_from(answer.body, posts):
                self._record.add(post, self.name, path, None, kind=kind, at=began)
                session.forget(post)

    def _something_seen(self) -> str | None:
        # The newest of a timeline are looked at most.
        return self._seen[int(len(self._seen) * self._chance.random() ** 2)] if self._seen else None

    def _something_to_say(self, key: str) -> str:
        words = [self._chance.choice(OPENINGS)]
        if self._chance.random() < 0.2:
            words.append("@" + self._crowd.looked_at(self._chance))
        words.append(self._chance.choice(SUBJECTS) + self._chance.choice(CLOSINGS))
        return " ".join([*words, mark(self._record.load if self._record else None, key)])


Action = Callable[[Visitor, float | None], None]

# What each kind of person does, by weight.
READING: Mapping[Action, int] = {
    Visitor.read_home: 10,
    Visitor.read_person: 4,
    Visitor.read_post: 2,
    Visitor.read_profile: 1,
    Visitor.count_unread: 3,
}
POSTING: Mapping[Action, int] = {
    Visitor.read_home: 40,
    Visitor.write_post: 30,
    Visitor.like: 20,
    Visitor.read_notifications: 8,
    Visitor.read_last_change: 2,
}
RETWEETING: Mapping[Action, int] = {
    Visitor.read_home: 50,
    Visitor.retweet: 30,
    Visitor.undo_retweet: 10,
    Visitor.count_unread: 8,
    Visitor.read_last_change: 2,
}
LOOKING_AFTER: Mapping[Action, int] = {
    Visitor.read_home: 40,
    Visitor.follow: 20,
    Visitor.protect: 20,
    Visitor.log_out: 10,
    Visitor.count_unread: 5,
    Visitor.read_last_change: 5,
}


# --- what is right ---

# By what each kind of change shows to who made it: where, as which operation, and how.
_SHOWN_BY: Mapping[str, tuple[str, str, Callable[[Any], bool]]] = {
    "like": ("/posts/{}/likes", "GET /posts/{id}/likes", lambda body: bool(body["liked"])),
    "retweet": ("/posts/{}/retweets", "GET /posts/{id}/retweets", lambda body: bool(body["retweeted"])),
    "follow": (
        "/users/{}",
        "GET /users/{name}",
        lambda body: body["state"] in ("following", "requested"),
    ),
}


def _is_timeline(body: Any) -> str:
    """Everybody follows somebody who wrote something: an empty home is the worst of all wrong answers."""
    items = body["items"]
    if not items:
        return "an empty timeline"
    if len(items) > PAGE:
        return "more posts than were asked for"
    if not all(item["id"].isdecimal() and item["text"] and item["author"]["name"] for item in items):
        return "a post without id, text or author"
    return "" if len({item["id"] for item in items}) == len(items) else "the same post twice"


def _is_timeline_of(name: str) -> Check:
    def check(body: Any) -> str:
        wrong = _is_timeline(body)
        if wrong:
            return wrong
        for item in body["items"]:
            by = item.get("retweeted_by") or item["author"]
            if by["name"] != name:
                return "a post of somebody else"
        return ""

    return check


def _is_post(body: Any, post: str) -> str:
    if body["id"] != post:
        return "another post than was asked for"
    return "" if body["text"] and body["author"]["name"] else "a post without text or author"


def _is_profile_of(name: str) -> Check:
    def check(body: Any) -> str:
        if body["name"] != name:
            return "the profile of somebody else"
        return "" if body["followers"] >= 0 and body["following"] >= 0 else "numbers below zero"

    return check


def _is_count(body: Any) -> str:
    return "" if body["count"] >= 0 else "a number below zero"


def _is_list_of_notifications(body: Any) -> str:
    return "" if all(item["id"] and item["kind"] for item in body["items"]) else "a notification without kind"
