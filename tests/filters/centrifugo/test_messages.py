import re

import pytest

from filtered_websocket.filters.centrifugo import messages
from filtered_websocket.filters.centrifugo.schema import fields_of

PROTOCOL = """
Command id1 connect4 subscribe5 unsubscribe6 publish7 presence8 presence_stats9 history10 ping11
  send12 rpc13 refresh14 sub_refresh15
Reply id1 error2 push4 connect5 subscribe6 unsubscribe7 publish8 presence9 presence_stats10 history11
  rpc13 refresh14 sub_refresh15
ErrorResult code1 message2 temporary3
EmulationRequest node1 session2 data3
StreamPosition offset1 epoch2
Push channel2 pub4 join5 leave6 unsubscribe7 message8 subscribe9 connect10 disconnect11 refresh12
ClientInfo user1 client2 conn_info3 chan_info4
Publication data4 info5 offset6 tags7 delta8 time9 channel10 epoch14
Join info1
Leave info1
Unsubscribe code2 reason3
Message data1
Disconnected code1 reason2 reconnect3
Subscribe recoverable1 epoch4 offset5 positioned6 data7
Refresh expires1 ttl2
ConnectRequest token1 data2 subs3 name4 version5 headers6
ConnectResult client1 version2 expires3 ttl4 data5 subs6 ping7 pong8 session9 node10 time11
RefreshRequest token1
RefreshResult client1 version2 expires3 ttl4
SubRefreshRequest channel1 token2
SubRefreshResult expires1 ttl2
SubscribeRequest channel1 token2 recover3 epoch6 offset7 data8 positioned9 recoverable10 join_leave11
  delta12 tf13 flag14 type15
SubscribeResult expires1 ttl2 recoverable3 epoch6 publications7 recovered8 offset9 positioned10 data11
  was_recovering12 delta13
UnsubscribeRequest channel1
PublishRequest channel1 data2
PresenceRequest channel1
PresenceResult presence1
PresenceStatsRequest channel1
PresenceStatsResult num_clients1 num_users2
HistoryRequest channel1 limit7 since8 reverse9
HistoryResult publications1 epoch2 offset3
RPCRequest data1 method2
RPCResult data1
SendRequest data1
FilterNode op1 key2 cmp3 val4 vals5 nodes6
"""


@pytest.mark.parametrize("line", PROTOCOL.replace("\n  ", " ").split("\n")[1:-1], ids=lambda line: line.split()[0])
def test_fields_have_the_numbers_of_the_protocol(line):
    name, *fields = line.split()
    numbers = {found[1]: int(found[2]) for found in (re.fullmatch(r"([a-z_]+)([0-9]+)", each) for each in fields)}
    assert {field.name: field.number for field in fields_of(getattr(messages, name))} == numbers
