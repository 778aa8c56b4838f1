namespace Insa.Iiot.Protocols.OpcUa.Server;

/// <summary>What a service asks of the session of a request.</summary>
internal enum SessionRule
{
    /// <summary>An activated session on this channel: <see cref="RequestContext.Session"/> is never <see langword="null"/>.</summary>
    Activated,

    /// <summary>No session, and any channel, one without security too: discovery.</summary>
    None,

    /// <summary>As the service itself finds it: those that make, activate and close sessions.</summary>
    Own,
}
