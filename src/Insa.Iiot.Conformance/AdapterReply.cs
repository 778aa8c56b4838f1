namespace Insa.Iiot.Conformance;

/// <summary>How an adapter answered a message.</summary>
public enum AdapterReply
{
    /// <summary>Acknowledged in the protocol's terms.</summary>
    Acknowledged,

    /// <summary>Refused in the protocol's terms; the connection, where there is one, goes on.</summary>
    Refused,

    /// <summary>The connection ended without an answer.</summary>
    Closed,
}
