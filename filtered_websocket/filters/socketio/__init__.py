"""Socket.IO 5, and 4 on Engine.IO 3: packets, and the namespace ``/``. What events do, the layer above knows.

-> 40 or 40{...}        <- 40{"sid": str}       -> 40/other,  <- 44/other,{"message":"Unable to connect"}
-> 41                                           out of the namespace, and of all rooms
-> 42[event, ...]       -> 42ID[event, ...]     an event
<- 43ID[]                                       it is acknowledged, whether it did anything or not
<- 42[event, ...]                               an event for a room of the client, or for everybody
<- 45N-[event, ...]                             and N binary messages
"""
