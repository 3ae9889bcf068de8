"""The selection lists that a new installation starts with (entities.md §4).

Staff edit them afterwards as ``Caption`` rows; nothing but the first migration reads this module.
"""

from __future__ import annotations

_LISTS = """
Comp_Type: Prospect, Customer, Supplier, Partner, Competitor, Investor, Other
Comp_Status: Active, Inactive, Closed, Archive
Pers_Status: Active, Inactive
Comp_Source: Tradeshow, Customer Referral, Web, Letter, Telephone, Email, Advertisement, Campaign, Partner, Other
Comp_Employees: Upto20 (Up to 20), 21-50, 51-100, 101-200, 201-500, 501+
Comp_Revenue: Upto1M (Up to $1 million), 1M-5M, 5M-20M, 20M-50M, 50M-100M, 100M+
Comp_Sector: FinancialServices (Financial Services), Retail, Manufacturing, Technology, Construction, Transport, \
    Energy, Health, Education, Government, Hospitality, Agriculture, Services, Other
Comp_IndCode: A (Agriculture), B (Mining), C (Manufacturing), D (Energy), E (Water and waste), F (Construction), \
    G (Trade), H (Transport), I (Hospitality), J (Information), K (Finance), L (Real estate), \
    M (Professional services), N (Administrative services), O (Public administration), P (Education), Q (Health), \
    R (Arts), S (Other services), T (Households), U (International bodies)
Comp_Territory: North, South, East, West, Central, International
Pers_Salutation: Mr., Mrs., Ms., Miss, Dr., Prof.
Pers_Gender: Male, Female, Other
Pers_TitleCode: CEO, MD (Managing Director), CFO, CTO, VP (Vice President), Director, Manager, \
    SalesExec (Sales Executive), Buyer, Engineer, Consultant, Assistant, Other
Pers_DepartmentCode: Management, Sales, Marketing, Finance, Purchasing, Operations, IT, Support, HR, Legal
Pers_Type: Admin, Finance, Sales, Purchasing, Technical, DecisionMaker (Decision maker), Other
AdLi_Type: Business, Billing, Shipping, Home
PLink_Type: Business, Fax, ISDN, Mobile, Home, Pager
ELink_Type: Business, Private
Priority: Low, Normal, High
Oppo_Type: License, Services, Consulting, Mix
Oppo_Product: ExpenseCheck, Standard, Professional, Enterprise
Oppo_Stage: Lead, Qualified, Quoted, Negotiating, Sale Agreed, Sale Closed, Deal Lost
Oppo_Status: In Progress, Won, Lost, Closed
Oppo_Scenario: Best, Likely, Worst
Oppo_DecisionTimeframe: Immediate, 1Month (1 month), 3Months (3 months), 6Months (6 months), \
    12Months (12 months), Unknown
Case_Stage: Logged, Queued, Investigating, Waiting, Solved, Closed
Case_Status: In Progress, Closed
Case_Source: Phone, Email, Fax, Web, Letter, Visit
Case_SLASeverity: Low, Normal, High
Case_ProductArea: Sales, Service, Installation, Hardware, Software, Billing, Other
Case_ProblemType: CustomerKnowledge (Customer knowledge), MissingComponent (Missing component), Defect, \
    Configuration, Performance, Request, Other
Case_SolutionType: ReplaceComponent (Replace component), OnSiteEngineer (On-Site Engineer), Training, \
    Configuration, Patch, Workaround, NoFault (No fault found)
Case_FoundVer: CaseFoundVer1, CaseFoundVer2, CaseFoundVer3
Case_TargetVer: CaseTargetVer1, CaseTargetVer2, CaseTargetVer3
Quot_Status: Active, Inactive, Converted
Quot_DiscountType: PC (Percentage), AM (Amount)
LineType: i (Item), f (Free text), c (Comment)
User_Language: US (US English), UK (UK English), DE (German), DU (Dutch), ES (Spanish), FR (French)
"""

_COUNTRIES = (
    "AD Andorra; AE United Arab Emirates; AF Afghanistan; AG Antigua & Barbuda; AI Anguilla; AL Albania; "
    "AM Armenia; AO Angola; AQ Antarctica; AR Argentina; AS American Samoa; AT Austria; AU Australia; "
    "AW Aruba; AX Åland Islands; AZ Azerbaijan; BA Bosnia & Herzegovina; BB Barbados; BD Bangladesh; "
    "BE Belgium; BF Burkina Faso; BG Bulgaria; BH Bahrain; BI Burundi; BJ Benin; BL St. Barthélemy; "
    "BM Bermuda; BN Brunei; BO Bolivia; BQ Caribbean Netherlands; BR Brazil; BS Bahamas; BT Bhutan; "
    "BV Bouvet Island; BW Botswana; BY Belarus; BZ Belize; CA Canada; CC Cocos (Keeling) Islands; "
    "CD Congo - Kinshasa; CF Central African Republic; CG Congo - Brazzaville; CH Switzerland; "
    "CI Côte d’Ivoire; CK Cook Islands; CL Chile; CM Cameroon; CN China; CO Colombia; CR Costa Rica; "
    "CU Cuba; CV Cape Verde; CW Curaçao; CX Christmas Island; CY Cyprus; CZ Czechia; DE Germany; "
    "DJ Djibouti; DK Denmark; DM Dominica; DO Dominican Republic; DZ Algeria; EC Ecuador; EE Estonia; "
    "EG Egypt; EH Western Sahara; ER Eritrea; ES Spain; ET Ethiopia; FI Finland; FJ Fiji; "
    "FK Falkland Islands; FM Micronesia; FO Faroe Islands; FR France; GA Gabon; GB United Kingdom; "
    "GD Grenada; GE Georgia; GF French Guiana; GG Guernsey; GH Ghana; GI Gibraltar; GL Greenland; "
    "GM Gambia; GN Guinea; GP Guadeloupe; GQ Equatorial Guinea; GR Greece; "
    "GS South Georgia & South Sandwich Islands; GT Guatemala; GU Guam; GW Guinea-Bissau; GY Guyana; "
    "HK Hong Kong SAR China; HM Heard & McDonald Islands; HN Honduras; HR Croatia; HT Haiti; HU Hungary; "
    "ID Indonesia; IE Ireland; IL Israel; IM Isle of Man; IN India; IO British Indian Ocean Territory; "
    "IQ Iraq; IR Iran; IS Iceland; IT Italy; JE Jersey; JM Jamaica; JO Jordan; JP Japan; KE Kenya; "
    "KG Kyrgyzstan; KH Cambodia; KI Kiribati; KM Comoros; KN St. Kitts & Nevis; KP North Korea; "
    "KR South Korea; KW Kuwait; KY Cayman Islands; KZ Kazakhstan; LA Laos; LB Lebanon; LC St. Lucia; "
    "LI Liechtenstein; LK Sri Lanka; LR Liberia; LS Lesotho; LT Lithuania; LU Luxembourg; LV Latvia; "
    "LY Libya; MA Morocco; MC Monaco; MD Moldova; ME Montenegro; MF St. Martin; MG Madagascar; "
    "MH Marshall Islands; MK North Macedonia; ML Mali; MM Myanmar (Burma); MN Mongolia; "
    "MO Macao SAR China; MP Northern Mariana Islands; MQ Martinique; MR Mauritania; MS Montserrat; "
    "MT Malta; MU Mauritius; MV Maldives; MW Malawi; MX Mexico; MY Malaysia; MZ Mozambique; NA Namibia; "
    "NC New Caledonia; NE Niger; NF Norfolk Island; NG Nigeria; NI Nicaragua; NL Netherlands; NO Norway; "
    "NP Nepal; NR Nauru; NU Niue; NZ New Zealand; OM Oman; PA Panama; PE Peru; PF French Polynesia; "
    "PG Papua New Guinea; PH Philippines; PK Pakistan; PL Poland; PM St. Pierre & Miquelon; "
    "PN Pitcairn Islands; PR Puerto Rico; PS Palestinian Territories; PT Portugal; PW Palau; "
    "PY Paraguay; QA Qatar; RE Réunion; RO Romania; RS Serbia; RU Russia; RW Rwanda; SA Saudi Arabia; "
    "SB Solomon Islands; SC Seychelles; SD Sudan; SE Sweden; SG Singapore; SH St. Helena; SI Slovenia; "
    "SJ Svalbard & Jan Mayen; SK Slovakia; SL Sierra Leone; SM San Marino; SN Senegal; SO Somalia; "
    "SR Suriname; SS South Sudan; ST São Tomé & Príncipe; SV El Salvador; SX Sint Maarten; SY Syria; "
    "SZ Eswatini; TC Turks & Caicos Islands; TD Chad; TF French Southern Territories; TG Togo; "
    "TH Thailand; TJ Tajikistan; TK Tokelau; TL Timor-Leste; TM Turkmenistan; TN Tunisia; TO Tonga; "
    "TR Türkiye; TT Trinidad & Tobago; TV Tuvalu; TW Taiwan; TZ Tanzania; UA Ukraine; UG Uganda; "
    "UM U.S. Outlying Islands; US United States; UY Uruguay; UZ Uzbekistan; VA Vatican City; "
    "VC St. Vincent & Grenadines; VE Venezuela; VG British Virgin Islands; VI U.S. Virgin Islands; "
    "VN Vietnam; VU Vanuatu; WF Wallis & Futuna; WS Samoa; YE Yemen; YT Mayotte; ZA South Africa; "
    "ZM Zambia; ZW Zimbabwe; "
)


def _parse(entry: str) -> tuple[str, str]:
    code, _, label = entry.strip().partition(" (")
    return code, label.removesuffix(")") or code


def starting_lists() -> dict[str, list[tuple[str, str]]]:
    """Return every list as ``{family: [(code, label), ...]}`` in list order."""
    lines = _LISTS.replace("\\\n", "").strip().splitlines()
    lists = {
        name: [_parse(entry) for entry in codes.split(",")] for name, _, codes in (ln.partition(":") for ln in lines)
    }
    entries = (entry.strip().split(" ", 1) for entry in _COUNTRIES.split(";") if entry.strip())
    lists["Addr_Country"] = [(code, name) for code, name in sorted(entries, key=lambda pair: pair[1])]
    return lists
