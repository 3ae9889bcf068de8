from django.db import migrations

from security.holders import TABLE, UNDO, summarised, unsummarised

# The kinds with rights of their own that there are now. An app with kinds of its own does the same in a migration of
# its own (docs/isv.md); the grants of a kind without are looked up in its own tables.
SECURED = {
    "Company": "entities_company",
    "Person": "entities_person",
    "Cases": "entities_case",
    "Opportunity": "entities_opportunity",
    "Quotes": "entities_quote",
    "NewProduct": "entities_product",
    "ProductFamily": "entities_productfamily",
    "UOM": "entities_unit",
    "UOMFamily": "entities_unitfamily",
    "PricingList": "entities_pricelist",
    "Pricing": "entities_price",
    "Currency": "entities_currency",
    "Users": "entities_user",
    "Channel": "entities_team",
    "Territories": "entities_territory",
}


class Migration(migrations.Migration):
    dependencies = [("security", "0010_row_changes")]

    operations = [
        migrations.RunSQL(TABLE, UNDO),
        *(migrations.RunSQL(summarised(kind, table), unsummarised(kind, table)) for kind, table in SECURED.items()),
    ]
