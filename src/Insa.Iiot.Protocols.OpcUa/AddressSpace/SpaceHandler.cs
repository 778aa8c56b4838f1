using Insa.Iiot.Protocols.OpcUa.Encoding;
using Insa.Iiot.Protocols.OpcUa.Server;

namespace Insa.Iiot.Protocols.OpcUa.AddressSpace;

/// <summary>Answers a request in a session's space, as a <see cref="ServiceHandler"/> does.</summary>
internal delegate void SpaceHandler(SessionSpace space, RequestContext context, ref UaReader reader);
