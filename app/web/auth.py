"""Pages to claim, sign in, sign up, redeem a mailed link, accept an invitation and sign out."""

from starlette.requests import Request
from starlette.responses import Response

from app.domain.catalogue import CATALOGUE
from app.domain.errors import AppError, not_found
from app.http.browsers import asking_browser, remember_browser
from app.http.cookies import SESSION, set_cookie
from app.http.requests import info_of
from app.services import claim, invitations, links, sessions, signup
from app.settings import Mode
from app.web.handlers import PageData, PageHandler, filled, form_of, local_path, redirect, refused, viewer
from app.web.pages import page

SIGN_IN_ERRORS = ("magic_link_invalid", "magic_link_used", "magic_link_expired", "no_invitation", "slug_unavailable")


class AuthPages(PageHandler):
    """Pages for people who are not signed in yet."""

    async def claim_form(self, request: Request) -> Response:
        """The form, with the code from the link that the first start printed; home, once it is claimed."""
        wanted = local_path(request.query_params.get("next", ""))
        async with self.unit(info_of(request.scope)) as uow:
            if await claim.is_claimed(uow):
                return redirect(wanted or "/app/")
        return page("claim.html", {"form": {"claimCode": request.query_params.get("code", "")}, "next": wanted})

    async def claim(self, request: Request) -> Response:
        """Claims the instance, or shows the form again with what is wrong with it."""
        info = self.caller(request)
        form, browser = await form_of(request), asking_browser(self.node, request.headers)
        wanted = local_path(form.pop("next", ""))
        try:
            async with self.unit(info, browser) as uow:
                signed_in, _ = await claim.install_claim(uow, filled(form))
        except AppError as error:
            return refused("claim.html", {"form": form, "next": wanted}, error, request)
        return self._signed_in_redirect(signed_in.secret, browser, wanted or "/app/")

    async def sign_in_form(self, request: Request) -> Response:
        """Where to mail a link; `?error=` says why one did not sign in, `?next=` which page needs it."""
        info = self.caller(request)
        async with self.unit(info) as uow:
            unclaimed = not await claim.is_claimed(uow)
        entry = CATALOGUE.get(request.query_params.get("error", ""))
        error = entry and {"code": entry.code, "message": entry.title, "action": f"{entry.meaning} {entry.action}"}
        wanted = local_path(request.query_params.get("next", ""))
        return page("signin.html", {**self._sign_in_data(wanted), "error": error, "unclaimed": unclaimed})

    async def request_link(self, request: Request) -> Response:
        """Mails a link, and says the same to everybody."""
        info = self.caller(request)
        form, browser = await form_of(request), asking_browser(self.node, request.headers)
        wanted = local_path(form.pop("next", ""))
        try:
            async with self.unit(info, browser) as uow:
                await links.request_link(uow, form, wanted)
        except AppError as error:
            return refused("signin.html", {**self._sign_in_data(wanted), "form": form}, error, request)
        return self._sent(form["email"], browser)

    async def sign_up_form(self, _: Request) -> Response:
        """The form; there is none on an instance for invited people."""
        self._require_hosted()
        return page("signup.html", {"form": {}})

    async def sign_up(self, request: Request) -> Response:
        """Mails the link that makes the organisation."""
        self._require_hosted()
        info = self.caller(request)
        form, browser = await form_of(request), asking_browser(self.node, request.headers)
        try:
            async with self.unit(info, browser) as uow:
                await signup.sign_up(uow, filled(form))
        except AppError as error:
            return refused("signup.html", {"form": form}, error, request)
        return self._sent(form["email"], browser)

    async def link(self, request: Request) -> Response:
        """A sign-in link, redeemed at once by the browser that asked for it. Everybody else gets a button, which no
        scanner of mail presses; nobody gets one for a link that would not sign in."""
        ahead = (request.headers.get(name, "") for name in ("sec-purpose", "purpose"))
        is_part = request.headers.get("sec-fetch-mode", "navigate") != "navigate"  # such as an image of another page
        only_looks = request.method == "HEAD" or is_part or any("prefetch" in purpose for purpose in ahead)
        return await self._open_link(request, request.query_params.get("t", ""), press=False, only_looks=only_looks)

    async def press_link(self, request: Request) -> Response:
        """The button of a sign-in link."""
        return await self._open_link(request, (await form_of(request)).get("token", ""), press=True)

    async def invitation(self, request: Request) -> Response:
        """What the invitation leads to, and a button for the one who is invited."""
        self.caller(request)
        return page("invitation.html", await self._invitation_data(request))

    async def accept(self, request: Request) -> Response:
        info = self.caller(request)
        form, browser = await form_of(request), asking_browser(self.node, request.headers)
        try:
            async with self.unit(info, browser) as uow:
                accepted = await invitations.accept_invitation(uow, request.path_params["token"], filled(form))
        except AppError as error:
            data = {**await self._invitation_data(request), "form": form}
            return refused("invitation.html", data, error, request)
        if accepted.session is None:
            return redirect("/app/")
        return self._signed_in_redirect(accepted.session.secret, browser, "/app/")

    async def sign_out(self, request: Request) -> Response:
        info = self.caller(request)
        async with self.unit(info) as uow:
            await sessions.sign_out(uow, {})
        response = redirect("/app/signin")
        set_cookie(self.node.settings, response, SESSION, "")
        return response

    async def _open_link(self, request: Request, token: str, *, press: bool, only_looks: bool = False) -> Response:
        info = self.caller(request)
        browser = asking_browser(self.node, request.headers)
        try:
            async with self.unit(info, browser) as uow:
                opened = await links.open_link(uow, token)
                to = opened.link.next_path or "/app/"
                if opened.spent:
                    return redirect(to)
                if only_looks or not (press or opened.at_once):
                    me = await sessions.me_or_none(uow)
                    other = None if me is None or me.user.email_key == opened.link.email_key else me.user.email
                    return page("link.html", {"token": token, "email": opened.link.email, "other": other})
                signed_in = await links.redeem(uow, {"token": token})
        except AppError as error:
            if error.code not in SIGN_IN_ERRORS:
                raise
            return redirect(f"/app/signin?error={error.code}")
        return self._signed_in_redirect(signed_in.secret, browser, to)

    async def _invitation_data(self, request: Request) -> PageData:
        async with self.unit(info_of(request.scope)) as uow:
            invited = await invitations.get_invitation(uow, request.path_params["token"])
            me = await sessions.me_or_none(uow)
        invitation, org = invited
        return {
            "viewer": None if me is None else viewer(me),
            "own": me is not None and me.user.email_key == invitation.email_key,
            "org": {"name": org.name, "slug": org.slug},
            "email": invitation.email,
            "role": invitation.role,
            "inviter": invitation.invited_by["name"],
            "form": {},
        }

    def _sign_in_data(self, wanted: str | None) -> PageData:
        return {
            "form": {},
            "next": wanted,
            "unclaimed": False,
            "hosted": self.node.settings.mode is Mode.HOSTED,
            "no_mail_server": self.node.settings.smtp_url is None,
        }

    def _sent(self, email: str, browser: str | None) -> Response:
        response = page("sent.html", {"email": email, "no_mail_server": self.node.settings.smtp_url is None})
        remember_browser(self.node, response, browser)
        return response

    def _require_hosted(self) -> None:
        if self.node.settings.mode is not Mode.HOSTED:
            raise not_found("path")

    def _signed_in_redirect(self, secret: str, browser: str | None, to: str) -> Response:
        response = redirect(to)
        set_cookie(self.node.settings, response, SESSION, secret)
        remember_browser(self.node, response, browser)
        return response
