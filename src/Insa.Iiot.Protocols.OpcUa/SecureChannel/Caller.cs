namespace Insa.Iiot.Protocols.OpcUa.SecureChannel;

/// <summary>Who calls, before anything is known of them.</summary>
/// <param name="EndpointUrl">The address by which they have connected, as they say.</param>
/// <param name="Address">Where they are: the remote address without its port.</param>
internal sealed record Caller(string EndpointUrl, string Address);
