"""The administration site: every kind of the registry over the gate, and the policy pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.admin import AdminSite
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpResponseRedirect, JsonResponse
from django.urls import path, reverse
from django.views.decorators.cache import never_cache

from crm.admin_captions import CaptionAdmin
from crm.admin_factor import own_page
from crm.admin_gated import GatedAdmin
from crm.admin_login import LoginForm, is_proved, remember_factor, with_status
from crm.admin_password import OwnPasswordView
from crm.admin_policy import InvariantAdmin, PolicyChangeAdmin, guarded
from crm.admin_rows import order_of, read, search
from crm.admin_users import UserAdmin
from entities.models import Caption
from entities.registry import registry
from security import gate, second_factor
from security.admin import ExternalAccessAdmin, FieldRuleAdmin, ProfileAdmin
from security.admin_log_ins import LogInAdmin
from security.admin_pages import access_of
from security.admin_select import as_key
from security.admin_tokens import TokenAdmin
from security.models import ExternalAccess, FieldRule, Invariant, LogIn, PolicyChange, Profile, Token

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse
    from django.urls import URLPattern, URLResolver

_PAGE = 20
_PAGES = 50


class Administration(AdminSite):
    """The site for staff."""

    site_header = site_title = "Parapet CRM"
    index_title = "Administration"
    index_template = "admin/parapet_index.html"
    site_url = None
    login_form = LoginForm

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """Leave out ``view_on_site``: it would look up any row of any table by key. Add the second factor."""
        own = path("second-factor/", never_cache(self.own_factor), name="second_factor")
        return [own, *(url for url in super().get_urls() if getattr(url, "name", "") != "view_on_site")]

    def has_permission(self, request: HttpRequest) -> bool:
        """Whether the session is that of staff who proved a second factor, as far as one is needed."""
        return super().has_permission(request) and is_proved(request)

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """Tell every page whether there are second factors."""
        return {**super().each_context(request), "factor_is_asked": second_factor.is_asked()}

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """Let every form pass where changes of policy are recorded and judged.

        But for one's own password: that is no policy, and a preview would take back what the throttle has counted.
        """
        checked = view if view == self.password_change else guarded(view, self.each_context)
        return super().admin_view(checked, cacheable)

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Answer the log-in page: 429 where there were too many failures; on to the second factor where one is due."""
        if request.method == "GET" and self._must_enrol(request):
            return HttpResponseRedirect(reverse("admin:second_factor"))
        answer = with_status(super().login(request, extra_context))
        if request.method == "POST":
            remember_factor(request)
        return answer

    def _must_enrol(self, request: HttpRequest) -> bool:
        staff = super().has_permission(request)
        return staff and not is_proved(request) and second_factor.factor_of(request.user.pk or 0) is None

    def own_factor(self, request: HttpRequest) -> HttpResponse:
        """Answer the page of one's own second factor, which is open to staff who must set one up."""
        if not second_factor.is_asked():
            raise Http404
        if not self.has_permission(request) and not self._must_enrol(request):
            return redirect_to_login(request.get_full_path(), reverse("admin:login"))
        return own_page(request, self)

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> Any:
        """List the kinds that the user knows, the daily ones first; none on the log-in page."""
        if not self.has_permission(request):
            return []
        listed = super().get_app_list(request, app_label)
        return listed if app_label else [group for app in reversed(listed) for group in _daily_first(app)]

    def autocomplete_view(self, request: HttpRequest) -> HttpResponse:
        """Answer what is typed into a reference: visible records of a kind, by title.

        The kind of the target is asked for, not a field that refers to it: the answer depends on nothing else, and
        no field name can be probed. Raises ``Http404`` for a kind of which the user sees nothing.
        """
        access, entity = access_of(request), registry().entities.get(request.GET.get("model_name", ""))
        if entity is None or not access.sees(entity):
            raise Http404
        page = min(max(as_key(request.GET.get("page", "1")) or 1, 1), _PAGES)
        rows = search(access, entity, gate.rows(access, entity), request.GET.get("term", ""))
        ordered = rows.order_by(*order_of(access, entity))
        found = read(access, entity, ordered[(page - 1) * _PAGE : page * _PAGE + 1], ())
        results = [{"id": str(row.key), "text": row.title} for row in found[:_PAGE]]
        return JsonResponse({"results": results, "pagination": {"more": len(found) > _PAGE and page < _PAGES}})

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """Let users change their own password."""
        request.current_app = self.name
        return OwnPasswordView.as_view(
            success_url=reverse("admin:password_change_done"),
            extra_context={**self.each_context(request), **(extra_context or {})},
        )(request)


def _daily_first(app: dict[str, Any]) -> list[dict[str, Any]]:
    """Divide the kinds of an app into those of daily work and what they refer to."""
    known = registry().by_model
    daily = [m for m in app["models"] if m["model"] in known and not known[m["model"]].reference_kind]
    others = [m for m in app["models"] if m not in daily]
    if not daily:
        return [app]
    return [{**app, "models": daily}, {**app, "name": f"{app['name']}: reference data", "models": others}]


def administration() -> Administration:
    """Return the site with a page for every kind: those of the registry, those of the policy."""
    made = Administration()
    for entity in registry():
        if not entity.proxy:  # the same rows again, under the names that clients join by
            made.register(entity.model, UserAdmin if entity.kind == "Users" else GatedAdmin)
    made.register(Caption, CaptionAdmin)
    made.register(Profile, ProfileAdmin)
    made.register(FieldRule, FieldRuleAdmin)
    made.register(ExternalAccess, ExternalAccessAdmin)
    made.register(Invariant, InvariantAdmin)
    made.register(PolicyChange, PolicyChangeAdmin)
    made.register(Token, TokenAdmin)
    made.register(LogIn, LogInAdmin)
    return made


site = administration()
