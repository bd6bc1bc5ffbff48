"""The admin's lists."""

from django.contrib import admin

from shop.models import Customer, Order


@admin.register(Customer)
class CustomerAdmin(admin.ModelAdmin):
    list_display = ("name", "owner")
    autocomplete_fields = ("owner",)
    search_fields = ("name",)


@admin.register(Order)
class OrderAdmin(admin.ModelAdmin):
    list_display = ("number", "customer", "item", "status", "total")
    list_filter = ("status",)
    list_select_related = ("customer",)
    search_fields = ("number", "item")
    autocomplete_fields = ("customer",)
