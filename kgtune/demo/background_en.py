"""English text that carries no name: openers, hedges, denials, fillers, empty documents, list leads, table headers.

Knows nothing about names or relations beyond the slot of a list lead. Keys that end in `_held_out` serve validation
and test only.
"""

from __future__ import annotations

# Slots in braces other than the leads' are numbers, days and months.
_BLOCKS = {
    "opener": """
In {month} {year}, |In early {month}, |In late {month}, |Since {month}, |According to several analysts, |Last week, |
According to the vendor, |In this case, |Meanwhile, |In addition, |Later, |At the same time, |On {month} {n}, |
As logs show, |In {year}, |By {month} {year}, |In the second stage, |As in earlier cases, |For the first time, |
""",
    "tail": """
 in {month} {year}| last {day}| during the night| for {n} days| according to the vendor| on {day} morning|
, analysts said|, the team reports|, as logs confirm| without notice| once more
""",
    "hedge": "likely |probably |possibly |presumably |apparently ",
    "hedge_opener": """
It is likely that |It is possible that |Analysts suspect that |There are hints that |It appears that |
It is believed that |Unconfirmed sources say that |Reportedly, |
""",
    "moderate_opener": """
We assess with moderate confidence that |It is assessed with moderate confidence that |
Analysts hold with moderate confidence that |With moderate confidence, |
""",
    "negation": """
There is no evidence that |We found no evidence that |Analysts found no indication that |Nothing suggests that |
It is not true that |The claim that %s was withdrawn|The rumor that %s proved false|No data supports the idea that |
Investigators ruled out that |Contrary to early reports, it is not the case that |
""",
    "negation_held_out": """
No logs support the claim that |There is no indication that |The team found nothing to show that |
Analysts withdrew the claim that |It proved false that |
""",
    "anaphor_actor": "the group|this group|the actor|the attackers|this actor",
    "anaphor_actor_first": "the group also|the actor also|later, the group",
    "anaphor_actor_held_out": "the same group|the same actor|this group",
    "anaphor_event": "the operation|this campaign|the campaign",
    "anaphor_event_held_out": "the same campaign|this operation",
    "anaphor_tool": "the malware|this malware|the tool",
    "anaphor_tool_held_out": "the same malware|this tool",
    "heading": """
# Summary|# Overview|## Background|Executive summary|## Findings|# Incident notes|## Details|Analyst notes|
# Weekly review|
## Key points|# Intelligence update|Threat overview
""",
    "filler": """
The investigation is still open|No customer data is known to be lost|Further details will follow
The affected systems were isolated|Logs were kept for {n} days|The analysis took {n} hours
Backups were restored within {n} days|Users were asked to change their passwords
The incident response team worked through the weekend|The findings were shared with partners
Most of the traffic was seen on {day}|The samples were compiled in {month}|The first alert came on {day}
Only {n} hosts were affected|The text of the mail was well written|Office hours were chosen with care
The motive remains unclear|The activity stopped in {month}|Defenders should review their alerts
The code is small and well tested|Similar cases were seen in {year}|Law enforcement was informed
The total loss is not yet known|A second wave was expected in {month}|The vendor has shipped an update
Nothing else was found on the host|The files were signed with a stolen key|The team thanks everyone who helped
""",
    "filler_held_out": """
Work on the case goes on|The response took {n} days|All hosts were checked again in {month}
Partners received the findings on {day}|The loss of data is small|The alert was closed after {n} hours
""",
    "easy": """
The weather on {day} will be mild with some rain|Temperatures reach {n} degrees in the afternoon
The canteen offers soup and salad on {day}|The meeting moves to room {n} on {day}
Our team won the match by {n} points|The library opens at nine on {day}|Please bring your own cup to the office party
The train leaves every {n} minutes|The garden needs water in {month}|The film runs for {n} minutes
The printer on floor {n} is out of paper|Parking is free on {day}|The choir sings again in {month}
The recipe needs {n} grams of flour|Fresh bread is sold from seven|The museum shows paintings until {month}
The marathon starts at eight on {day}|Snow is expected in {month}|The new chairs arrive in {month}
Holiday requests are due by {day}|The bus stop was moved by {n} meters|Children under {n} pay nothing
The concert was sold out within {n} hours|The coach praised the young players|The lake is warm enough for swimming
The book has {n} pages|Apples are cheap in {month}|The office closes early on {day}
The workshop on drawing begins in {month}|A new cafe opens near the station on {day}
The harvest was good in {year}|The elevator is repaired until {day}|The hotel has {n} rooms
""",
    "easy_held_out": """
Rain is expected from {day} on|The canteen is closed in {month}|The match ends after {n} minutes
The garden party moves to {day}|The station gets {n} new chairs|Tea is served at four on {day}
The players train on {day}|The film starts in {month}|The lake is closed until {month}
""",
    "security": """
Ransomware is malware that encrypts files and asks for money|Install the latest patches within {n} days
Phishing mails often try to create a feeling of urgency|Use a long password and a second factor
Join our free webinar on secure design on {day}|Our platform stops threats before they reach your network
The policy requires a review every {n} months|Back up important files and test the backups
Employees must report lost devices within {n} hours|A firewall filters traffic by rules
Threat intelligence helps teams to set priorities|The update fixes {n} bugs in the mail client
Security training is mandatory for new staff in {month}|Attackers often look for weak passwords
Antivirus software compares files with known patterns|Do not open attachments from unknown senders
The conference on cyber defense takes place in {month}|Visit our booth and get a free trial for {n} days
A worm spreads without help from a user|A botnet is a set of infected machines under one control
Indicators of compromise should be shared quickly|Access rights are reviewed every {n} weeks
Zero trust means that no request is trusted by default|The audit found {n} minor issues
The number of attacks rose by {n} percent in {year}|Many groups use tools that anyone can download
The response plan names a contact for each shift|Remote access needs approval by a manager
Encryption protects data at rest and in transit|Our report on trends appears in {month}
The security team is hiring {n} analysts|Logs must be kept for {n} months
No incidents were reported in {month}|The scan ended without findings|The test alarm on {day} was planned
A backdoor gives hidden access to a system|Operators of malware often rent servers
Most campaigns begin with a mail|Vendors publish fixes on the second {day} of the month
""",
    "security_held_out": """
A trojan is malware that looks like a useful program|Change default passwords within {n} hours
Our webinar shows how teams respond to threats on {day}|The policy on devices changes in {month}
Groups of attackers often share tools|Test your response plan every {n} months|The alarm in {month} was a test
Spyware is malware that watches a user|The patch closes {n} holes in the browser|Report strange mails to the help desk
""",
    "lead_use": """
{actor} relied on the following tools:|Tools of {actor}:|The toolset of {actor} includes:|
{actor} was seen with these tools:|
Malware used by {actor}:
""",
    "lead_use_held_out": "{actor} uses the tools below:|These tools were used by {actor}:",
    "lead_own": """
Infrastructure of {actor}:|Indicators owned by {actor}:|{actor} controls the following servers:|
The following addresses belong to {actor}:|IOCs registered by {actor}:
""",
    "lead_own_held_out": "Servers and domains of {actor}:|{actor} owns the addresses below:",
    "lead_attack": """
Victims of {actor}:|{actor} attacked the following organizations:|Targets of {actor}:|
{actor} has compromised these organizations:
""",
    "lead_attack_held_out": "Organizations hit by {actor}:|{actor} attacked the organizations below:",
    "lead_strike": """
Victims of {event}:|{event} hit the following organizations:|Targets of {event}:|Organizations affected by {event}:
""",
    "lead_strike_held_out": "{event} struck the organizations below:|These organizations were hit by {event}:",
    "lead_employ": """
Tools seen in {event}:|{event} involved the following malware:|Malware used in {event}:|Payloads of {event}:
""",
    "lead_employ_held_out": "{event} used the tools below:|These tools were seen in {event}:",
    "lead_implement": """
Functions of {tool}:|{tool} implements the following techniques:|Techniques supported by {tool}:|{tool} is capable of:
""",
    "lead_implement_held_out": "{tool} supports the techniques below:|These techniques are part of {tool}:",
    "lead_contact": """
Command servers of {tool}:|{tool} connects to the following addresses:|C2 of {tool}:|{tool} contacts these hosts:
""",
    "lead_contact_held_out": "{tool} connects to the addresses below:|Servers contacted by {tool}:",
    "lead_tactic": """
Techniques under {tactic}:|The tactic {tactic} covers:|Techniques seen in the {tactic} phase:|
{tactic} was achieved through:
""",
    "lead_tactic_held_out": "The tactic {tactic} includes the techniques below:|Techniques listed under {tactic}:",
    "table_use": "Actor/Tool|Threat actor/Malware|Group/Tool used",
    "table_use_held_out": "Actor/Malware used|Threat group/Tool",
    "table_own": "Actor/Infrastructure|Group/Owned server|Actor/Owned domain or IP",
    "table_own_held_out": "Group/Owned infrastructure|Threat actor/Owned server",
    "table_attack": "Actor/Target|Group/Victim|Threat actor/Attacked organization",
    "table_attack_held_out": "Threat group/Victim|Actor/Attacked target",
    "table_launch": "Actor/Operation launched|Group/Campaign launched",
    "table_launch_held_out": "Threat actor/Launched campaign",
    "table_strike": "Event/Target|Campaign/Victim|Operation/Target hit",
    "table_strike_held_out": "Operation/Victim|Campaign/Target hit",
    "table_employ": "Event/Tool|Campaign/Malware used|Operation/Tool used",
    "table_employ_held_out": "Operation/Malware|Campaign/Tool used",
    "table_contact": "Tool/C2|Malware/C2 server|Sample/Connects to",
    "table_contact_held_out": "Malware/Command server|Tool/Connects to",
    "table_implement": "Tool/Technique|Malware/Technique implemented|Tool/Capability",
    "table_implement_held_out": "Malware/Capability|Tool/Implemented technique",
    "table_tactic": "Tactic/Technique|Phase/Technique|Tactic/Observed technique",
    "table_tactic_held_out": "Tactic/Technique seen",
    "table_report": "Report/Event described|Report/Campaign",
    "table_report_held_out": "Report/Described campaign",
    "table_procedure": "Procedure/Tool|Procedure/Tool used",
    "table_procedure_held_out": "Procedure/Used tool",
    "table_lead": "The table below gives an overview.|Overview:|The results are as follows.||Summary table:",
    "step_lead": "The attack went as follows.|Sequence:|The steps in order:|Timeline of the case:|Chain of actions:",
    "step_lead_held_out": "The order of the steps:|The chain was as follows.",
    "card_actor": "Actor|Threat actor|Group|Attributed to",
    "card_actor_held_out": "Threat group|Actor name",
    "card_event": "Event|Campaign|Operation launched",
    "card_event_held_out": "Launched operation|Campaign name",
    "card_tool": "Malware|Tool|Tool used",
    "card_tool_held_out": "Malware used|Tool name",
    "card_asset": "C2|C2 server|Command server",
    "card_asset_held_out": "C2 address|Server",
    "card_target": "Target|Victim|Attacked organization",
    "card_target_held_out": "Victim name|Attacked target",
    "card_technique": "Technique|Capability|Implements",
    "card_technique_held_out": "Implemented technique|Function",
}


def background() -> dict[str, tuple[str, ...]]:
    """Give every piece by its role; a line break in a block separates like a bar."""
    pieces: dict[str, tuple[str, ...]] = {}
    for role, block in _BLOCKS.items():
        joined = block.strip("\n").replace("|\n", "|").replace("\n", "|")
        keep_empty = role == "table_lead"
        pieces[role] = tuple(piece for piece in joined.split("|") if piece or keep_empty)
    return pieces
