namespace Insa.Iiot.Protocols.OpcUa.Transport;

/// <summary>How far a connection has come.</summary>
internal enum ConnectionState
{
    /// <summary>Nothing has come yet.</summary>
    Connected,

    /// <summary>Sizes are agreed.</summary>
    Acknowledged,

    /// <summary>It has a secure channel.</summary>
    Open,

    /// <summary>Nothing more is taken.</summary>
    Closed,
}
