"""Pages to claim, sign in, sign up, redeem a mailed link, accept an invitation and sign out."""

from starlette.requests import Request
from starlette.responses import Response

from app.domain.catalogue import CATALOGUE
from app.domain.errors import AppError, not_found
from app.http.browsers import asking_browser, browser_of, is_browser, remember_browser
from app.http.cookies import SESSION, set_cookie
from app.http.requests import info_of
from app.services import claim, invitations, links, sessions, signup
from app.settings import Mode
from app.web.handlers import PageData, PageHandler, filled, form_of, redirect, refused, viewer
from app.web.pages import page

SIGN_IN_ERRORS = ("magic_link_invalid", "magic_link_used", "magic_link_expired", "no_invitation", "slug_unavailable")


class AuthPages(PageHandler):
    """Pages for people who are not signed in yet."""

    async def claim_form(self, request: Request) -> Response:
        """The form, with the code from the link that the first start printed; home, once it is claimed."""
        async with self.unit(info_of(request.scope)) as uow:
            if await claim.is_claimed(uow):
                return redirect("/app/")
        return page("claim.html", {"form": {"claimCode": request.query_params.get("code", "")}})

    async def claim(self, request: Request) -> Response:
        """Claims the instance, or shows the form again with what is wrong with it."""
        info = await self.caller(request)
        form = await form_of(request)
        try:
            async with self.unit(info) as uow:
                signed_in, _ = await claim.install_claim(uow, filled(form))
        except AppError as error:
            return refused("claim.html", {"form": form}, error, request)
        return self._signed_in_redirect(signed_in.secret)

    async def sign_in_form(self, request: Request) -> Response:
        """Where to mail a link; `?error=` says why one did not sign in."""
        info = await self.caller(request)
        async with self.unit(info) as uow:
            unclaimed = not await claim.is_claimed(uow)
        entry = CATALOGUE.get(request.query_params.get("error", ""))
        error = entry and {"code": entry.code, "message": entry.title, "action": f"{entry.meaning} {entry.action}"}
        return page("signin.html", {**self._sign_in_data(), "error": error, "unclaimed": unclaimed})

    async def request_link(self, request: Request) -> Response:
        """Mails a link, and says the same to everybody."""
        info = await self.caller(request)
        form, browser = await form_of(request), asking_browser(self.node, request.headers)
        try:
            async with self.unit(info) as uow:
                uow.client = info.client(browser)
                await links.request_link(uow, form)
        except AppError as error:
            return refused("signin.html", {**self._sign_in_data(), "form": form}, error, request)
        return self._sent(form["email"], browser)

    async def sign_up_form(self, _: Request) -> Response:
        """The form; there is none on an instance for invited people."""
        self._require_hosted()
        return page("signup.html", {"form": {}})

    async def sign_up(self, request: Request) -> Response:
        """Mails the link that makes the organisation."""
        self._require_hosted()
        info = await self.caller(request)
        form, browser = await form_of(request), asking_browser(self.node, request.headers)
        try:
            async with self.unit(info) as uow:
                uow.client = info.client(browser)
                await signup.sign_up(uow, filled(form))
        except AppError as error:
            return refused("signup.html", {"form": form}, error, request)
        return self._sent(form["email"], browser)

    async def link(self, request: Request) -> Response:
        """A sign-in link: redeemed at once by the browser that asked for it, and by what is no browser."""
        token = request.query_params.get("t", "")
        if request.method == "HEAD" or not await self._redeems_on_open(request, token):
            return page("link.html", {"token": token})
        return await self._redeem(request, token)

    async def press_link(self, request: Request) -> Response:
        """The button of a sign-in link, for all other browsers: scanners of mail open links and press none."""
        await self.caller(request)
        return await self._redeem(request, (await form_of(request)).get("token", ""))

    async def invitation(self, request: Request) -> Response:
        """What the invitation leads to, and a button for the one who is invited."""
        await self.caller(request)
        return page("invitation.html", await self._invitation_data(request))

    async def accept(self, request: Request) -> Response:
        info = await self.caller(request)
        form = await form_of(request)
        try:
            async with self.unit(info) as uow:
                accepted = await invitations.accept_invitation(uow, request.path_params["token"], filled(form))
        except AppError as error:
            data = {**await self._invitation_data(request), "form": form}
            return refused("invitation.html", data, error, request)
        return redirect("/app/") if accepted.session is None else self._signed_in_redirect(accepted.session.secret)

    async def sign_out(self, request: Request) -> Response:
        info = await self.caller(request)
        async with self.unit(info) as uow:
            await sessions.sign_out(uow, {})
        response = redirect("/app/signin")
        set_cookie(self.node.settings, response, SESSION, "")
        return response

    async def _redeem(self, request: Request, token: str) -> Response:
        try:
            async with self.unit(info_of(request.scope)) as uow:
                signed_in = await links.redeem(uow, {"token": token})
        except AppError as error:
            if error.code not in SIGN_IN_ERRORS:
                raise
            return redirect(f"/app/signin?error={error.code}")
        return self._signed_in_redirect(signed_in.secret)

    async def _redeems_on_open(self, request: Request, token: str) -> bool:
        if not is_browser(request.headers):
            return True
        if "prefetch" in request.headers.get("sec-purpose", ""):
            return False
        async with self.unit(info_of(request.scope)) as uow:
            return await links.is_of_browser(uow, token, browser_of(self.node, request.headers))

    async def _invitation_data(self, request: Request) -> PageData:
        async with self.unit(info_of(request.scope)) as uow:
            invited = await invitations.get_invitation(uow, request.path_params["token"])
            known = await invitations.has_account(uow, invited)
            me = await sessions.me_or_none(uow)
        invitation, org = invited
        return {
            "viewer": None if me is None else viewer(me),
            "own": me is not None and me.user.email_key == invitation.email_key,
            "known": known,
            "org": {"name": org.name, "slug": org.slug},
            "email": invitation.email,
            "role": invitation.role,
            "inviter": invitation.invited_by["name"],
            "form": {},
        }

    def _sign_in_data(self) -> PageData:
        return {
            "form": {},
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

    def _signed_in_redirect(self, secret: str) -> Response:
        response = redirect("/app/")
        set_cookie(self.node.settings, response, SESSION, secret)
        return response
