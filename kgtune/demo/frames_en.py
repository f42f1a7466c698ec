"""English sentence frames by relation; `{slots}` take names, `{h}` an optional hedge, `[a|b]` alternatives.

Knows nothing about names or about how sentences are put together. TRAIN serves pretraining and training, HELD_OUT
serves validation and test only.
"""

from __future__ import annotations

# One frame per line, without the full stop. A frame that starts with a slot or "the" can follow an opener.
_TRAIN = {
    "launch": """
{actor} {h}[launched|started|mounted] {event}
{actor} {h}[carried out|conducted|organized] {event}
{actor} is {h}behind {event}
{actor} is {h}responsible for {event}
{event} was {h}[launched|started|run] by {actor}
{event} was {h}[carried out|conducted|orchestrated] by {actor}
{event} is {h}the work of {actor}
{event} has {h}been attributed to {actor}
{event}, which {actor} {h}launched, drew wide attention
{actor}, the group that {h}ran {event}, remains active
the [launch|planning] of {event} by {actor} took several weeks
the operators of {event} are {h}members of {actor}
responsibility for {event} {h}lies with {actor}
behind {event} stood {actor}
with {event}, {actor} {h}opened a new phase
{actor} claimed responsibility for {event}
{actor} {h}set {event} in motion
researchers [attribute|link] {event} to {actor}
analysts name {actor} as the author of {event}
as the organizer of {event}, {actor} {h}took few risks
{event} began when {actor} {h}gave the order
{actor} {h}kicked off {event} without warning
it was {actor} that {h}launched {event}
""",
    "strike": """
{event} {h}[hit|struck|targeted] {target}
{event} was {h}aimed at {target}
{event} {h}[affected|disrupted|compromised] {target}
{event} {h}focused on {target}
{target} was {h}[hit|targeted|affected] by {event}
{target} was {h}a victim of {event}
{target} was {h}among the victims of {event}
{target}, which was {h}hit by {event}, restored service
the victims of {event} {h}included {target}
the main target of {event} was {h}{target}
in the course of {event}, systems of {target} were {h}attacked
during {event}, intruders {h}entered the network of {target}
{event} {h}caused an outage at {target}
{event} {h}reached servers at {target}
{event} {h}led to a compromise of {target}
as part of {event}, {target} was {h}attacked
{target} confirmed that {event} {h}reached its network
{target} suffered losses from {event}
among those hit by {event} was {target}
{event} {h}had one goal, to break into {target}
staff at {target} noticed {event} first
""",
    "attack": """
{actor} {h}[attacked|targeted|compromised] {target}
{actor} {h}[breached|hit|infiltrated] {target}
{actor} {h}broke into the network of {target}
{actor} {h}gained access to systems at {target}
{actor} has {h}been targeting {target}
{target} was {h}[attacked|targeted|breached] by {actor}
{target} was {h}compromised by {actor}
{target} is {h}a target of {actor}
{target}, which {actor} {h}attacked, called in outside help
{actor}, which {h}attacked {target}, left few traces
the victims of {actor} {h}include {target}
the attack by {actor} on {target} {h}lasted two days
the intrusion at {target} was {h}the work of {actor}
an attack on {target} was {h}traced to {actor}
{target} fell victim to {actor}
{actor} {h}turned its attention to {target}
{actor} {h}stole data from {target}
{target} lost data to {actor}
against {target}, {actor} {h}acted with great patience
it was {actor} that {h}attacked {target}
the network of {target} was {h}entered by {actor}
investigators at {target} found traces of {actor}
""",
    "use": """
{actor} {h}[used|deployed|installed] {tool}
{actor} {h}[relied on|made use of|employed] {tool}
{actor} is {h}known to use {tool}
{actor} {h}operates {tool}
{tool} was {h}[used|deployed|operated] by {actor}
{tool} is {h}part of the toolset of {actor}
{tool} is {h}a favourite of {actor}
{tool}, which {actor} {h}uses, is updated often
{actor}, which {h}uses {tool}, works at night
the toolset of {actor} {h}includes {tool}
the use of {tool} by {actor} was {h}observed again
the arsenal of {actor} {h}contains {tool}
the malware that {actor} {h}deployed is {tool}
with the help of {tool}, {actor} {h}kept its foothold
by using {tool}, {actor} {h}stayed hidden
among the tools of {actor} is {tool}
{actor} {h}dropped {tool} on the first host
{actor} {h}infected several machines with {tool}
analysts saw {actor} run {tool}
{actor} {h}switched to {tool}
{actor} {h}added {tool} to its toolset
{tool} was {h}seen in the hands of {actor}
""",
    "employ": """
{event} {h}[used|involved|relied on] {tool}
{event} {h}made use of {tool}
{event} {h}delivered {tool}
{event} {h}spread {tool}
{tool} was {h}[used|deployed|delivered] in {event}
{tool} was {h}seen during {event}
{tool} {h}played a central role in {event}
{tool}, which was {h}used in {event}, is signed
the payload of {event} was {h}{tool}
the malware used in {event} is {h}{tool}
the main tool of {event} was {h}{tool}
in {event}, the intruders {h}used {tool}
during {event}, {tool} was {h}installed on many hosts
for {event}, the operators {h}chose {tool}
as part of {event}, {tool} was {h}rolled out
at the heart of {event} was {tool}
samples of {tool} were {h}collected from {event}
{event} {h}began with a mail that carried {tool}
{event} {h}ended with the installation of {tool}
{event} {h}depended on {tool}
responders to {event} recovered {tool}
""",
    "own": """
{actor} {h}[owns|controls|operates] {asset}
{actor} {h}[registered|rented|set up] {asset}
{asset} is {h}[owned|controlled|operated] by {actor}
{asset} was {h}registered by {actor}
{asset} {h}belongs to {actor}
{asset} is {h}part of the infrastructure of {actor}
the infrastructure of {actor} {h}includes {asset}
the address {asset} {h}belongs to {actor}
the server at {asset} is {h}run by {actor}
{asset}, which {actor} {h}controls, is still online
{actor}, the owner of {asset}, {h}pays in advance
ownership of {asset} was {h}traced to {actor}
among the servers of {actor} is {asset}
{actor} {h}has {asset} at its disposal
{actor} {h}maintains {asset}
registration records tie {asset} to {actor}
analysts attribute {asset} to {actor}
the host {asset} is {h}in the hands of {actor}
one of the servers that {actor} {h}owns is {asset}
{actor} {h}acquired {asset}
{asset} has {h}been linked to {actor}
""",
    "contact": """
{tool} {h}[connects to|contacts|calls] {asset}
{tool} {h}[communicates with|beacons to|reports to] {asset}
{tool} {h}sends data to {asset}
{tool} {h}uses {asset} as its command server
{tool} {h}downloads its configuration from {asset}
{tool} {h}fetches commands from {asset}
{asset} is {h}the command server of {tool}
{asset} is {h}used by {tool}
{asset} is {h}contacted by {tool}
{asset} {h}serves as the control server for {tool}
{asset}, to which {tool} {h}connects, answers on port 443
the command server of {tool} is {h}{asset}
the C2 address of {tool} is {h}{asset}
the traffic of {tool} {h}goes to {asset}
the configuration of {tool} {h}points to {asset}
after installation, {tool} {h}connects to {asset}
once started, {tool} {h}contacts {asset}
for its commands, {tool} {h}turns to {asset}
a connection from {tool} to {asset} was {h}recorded
requests from {tool} to {asset} were {h}logged
hosts infected with {tool} {h}connect to {asset}
{tool} {h}resolves and contacts {asset}
""",
    "implement": """
{tool} {h}[implements|supports|performs] {technique}
{tool} is {h}capable of {technique}
{tool} {h}relies on {technique}
{tool} {h}offers {technique} as a function
{tool} {h}includes a module for {technique}
{technique} is {h}[implemented|supported|performed] by {tool}
{technique} is {h}a feature of {tool}
{tool}, which {h}implements {technique}, is small
the features of {tool} {h}include {technique}
the code of {tool} {h}implements {technique}
the developers of {tool} {h}added {technique}
the main function of {tool} is {h}{technique}
a module of {tool} {h}handles {technique}
with {tool}, {technique} is {h}possible
in the latest version, {tool} {h}supports {technique}
among the functions of {tool} is {technique}
by means of {technique}, {tool} {h}avoids attention
{tool} comes with support for {technique}
{tool} {h}makes {technique} easy
analysis of {tool} revealed {technique}
a new build of {tool} {h}brings {technique}
""",
    "tactic": """
the {tactic} phase {h}[involved|included] {technique}
the {tactic} stage {h}relied on {technique}
under {tactic}, analysts list {technique}
for {tactic}, the intruders {h}used {technique}
{technique} {h}[belongs to|falls under] {tactic}
{technique} is {h}[part of|a form of] {tactic}
{technique} {h}serves the goal of {tactic}
the tactic {tactic} {h}[covers|includes] {technique}
the tactic {tactic} was {h}achieved through {technique}
the matrix lists {technique} under {tactic}
as a means of {tactic}, {technique} is {h}common
in terms of {tactic}, we saw {technique}
in the category {tactic}, the team recorded {technique}
{technique} was {h}mapped to {tactic}
{technique} was {h}seen in the {tactic} phase
{technique} was {h}classified as {tactic}
one technique for {tactic} is {technique}
the {tactic} column {h}contains {technique}
to reach {tactic}, the operators {h}chose {technique}
with {technique}, the operators {h}achieved {tactic}
analysts map {technique} to {tactic}
""",
    "report": """
{report} [describes|covers|documents] {event}
{report} [analyzes|examines|discusses] {event}
{report} is about {event}
{report} gives a full account of {event}
{report} was published after {event}
{event} is [described|documented|covered] in {report}
{event} was first disclosed in {report}
{event} is the subject of {report}
{event}, described in {report}, is over
{report}, which covers {event}, has two parts
the findings on {event} appear in {report}
the details of {event} can be found in {report}
the timeline of {event} is given in {report}
the authors of {report} studied {event}
in {report}, analysts describe {event}
according to {report}, {event} is well documented
readers of {report} learn about {event}
{report} summarizes {event}
{report} sheds light on {event}
{report} was written in response to {event}
for background on {event}, see {report}
""",
    "procedure": """
the {procedure} {h}[uses|calls|runs] {tool}
the {procedure} {h}installs {tool}
the {procedure} {h}starts with {tool}
the {procedure} {h}[depends on|relies on] {tool}
the {procedure} {h}makes use of {tool}
{tool} is {h}[used|called|started] by the {procedure}
{tool} is {h}part of the {procedure}
{tool} is {h}needed for the {procedure}
{tool} {h}drives the {procedure}
in the {procedure}, {tool} is {h}the first step
as its first step, the {procedure} {h}starts {tool}
during the {procedure}, {tool} is {h}loaded
the last step of the {procedure} {h}involves {tool}
the {procedure}, which {h}uses {tool}, takes a minute
each run of the {procedure} {h}launches {tool}
to finish, the {procedure} {h}calls {tool}
inside the {procedure}, analysts found {tool}
the steps of the {procedure} {h}include {tool}
the {procedure} {h}copies and starts {tool}
without {tool}, the {procedure} {h}fails
{tool} {h}appears in the {procedure}
""",
    "launch_strike": """
{actor} {h}launched {event} against {target}
{actor} {h}attacked {target} in {event}
in {event}, {actor} {h}compromised {target}
{event}, run by {actor}, {h}hit {target}
{target} was {h}hit by {event}, the work of {actor}
as part of {event}, {actor} {h}broke into {target}
""",
    "use_attack": """
{actor} {h}used {tool} to attack {target}
{actor} {h}deployed {tool} against {target}
using {tool}, {actor} {h}compromised {target}
{target} was {h}attacked by {actor} with {tool}
{actor} {h}infected {target} with {tool}
the attack of {actor} on {target} {h}involved {tool}
""",
    "use_contact": """
{actor} {h}uses {tool}, which connects to {asset}
{actor} {h}deployed {tool} with the command server {asset}
{tool}, used by {actor}, {h}contacts {asset}
{actor} {h}controls {tool} through {asset}
""",
    "use_implement": """
{actor} {h}used {tool} for {technique}
{actor} {h}deployed {tool}, which implements {technique}
for {technique}, {actor} {h}relied on {tool}
{tool}, a tool of {actor}, {h}supports {technique}
""",
    "report_launch": """
{report} attributes {event} to {actor}
{report} names {actor} as the group behind {event}
according to {report}, {event} was {h}launched by {actor}
in {report}, {event} is {h}blamed on {actor}
""",
}

_HELD_OUT = {
    "launch": """
{actor} {h}initiated {event}
{event} was {h}set up and led by {actor}
the people who started {event} {h}work for {actor}
the group responsible for {event} is {h}{actor}
evidence points to {actor} as the source of {event}
{actor} has {h}been named as the organizer of {event}
""",
    "strike": """
{event} {h}did damage to {target}
{target} was {h}the first to be struck by {event}
the attackers behind {event} {h}went after {target}
systems at {target} went down because of {event}
one victim of {event} is {h}{target}
""",
    "attack": """
{actor} {h}went after {target}
{target} has {h}been under attack from {actor}
the latest victim of {actor} is {h}{target}
intruders from {actor} {h}entered systems of {target}
{target} reported an intrusion by {actor}
""",
    "use": """
{actor} {h}worked with {tool}
{tool} has {h}been employed by {actor}
one tool in use by {actor} is {h}{tool}
the operators of {actor} {h}installed {tool}
a copy of {tool} was {h}left behind by {actor}
""",
    "employ": """
the hosts in {event} {h}received {tool}
the attackers in {event} {h}worked with {tool}
{tool} was {h}the malware behind {event}
{event} {h}brought {tool} onto many hosts
hosts hit in {event} {h}carried {tool}
""",
    "own": """
{actor} {h}holds {asset}
{asset} was {h}bought by {actor}
the owner of {asset} is {h}{actor}
{asset} is {h}one of the servers of {actor}
records show that {actor} {h}runs {asset}
""",
    "contact": """
{tool} {h}talks to {asset}
{tool} {h}receives commands from {asset}
data from {tool} is {h}sent to {asset}
the server behind {tool} is {h}{asset}
{asset} {h}gives commands to {tool}
""",
    "implement": """
{tool} {h}carries out {technique}
{technique} is {h}built into {tool}
one function of {tool} is {h}{technique}
{tool} was {h}written for {technique}
the operators of {tool} {h}have {technique} at hand
""",
    "tactic": """
{technique} is {h}listed as {tactic}
the goal of {tactic} was {h}reached by {technique}
the team put {technique} under {tactic}
one step in {tactic} was {h}{technique}
the steps for {tactic} {h}included {technique}
""",
    "report": """
{report} looks into {event}
{event} was studied in {report}
the story of {event} is told in {report}
{report} contains the findings on {event}
a full analysis of {event} is part of {report}
""",
    "procedure": """
the {procedure} {h}works with {tool}
the {procedure} {h}cannot run without {tool}
{tool} is {h}run during the {procedure}
the first step of the {procedure} is {h}to start {tool}
one part of the {procedure} is {h}{tool}
""",
    "launch_strike": """
{actor} {h}ran {event} to hit {target}
{event} of {actor} {h}struck systems at {target}
""",
    "use_attack": """
with {tool}, {actor} {h}went into {target}
{actor} {h}installed {tool} at {target}
""",
    "use_contact": """
{actor} {h}operates {tool}, which talks to {asset}
{tool} of {actor} {h}sends data to {asset}
""",
    "use_implement": """
{actor} {h}turned to {tool} for {technique}
by running {tool}, {actor} {h}carried out {technique}
""",
    "report_launch": """
{report} says that {actor} {h}started {event}
{report} links {actor} to the launch of {event}
""",
}


def _lines(blocks: dict[str, str]) -> dict[str, tuple[str, ...]]:
    return {relation: tuple(block.strip().split("\n")) for relation, block in blocks.items()}


def frames(*, held_out: bool) -> dict[str, tuple[str, ...]]:
    """Give the core templates by relation, for one side of the held-out line."""
    return _lines(_HELD_OUT if held_out else _TRAIN)
