using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.SecureChannel;
using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.Server.Sessions;

/// <summary>A client's session (Part 4 §5.7). It outlives its channel, and goes on by another.</summary>
internal sealed class UaSession(NodeId id, NodeId token)
{
    private int _closed;
    private int _activating;

    /// <summary>Names it to everybody.</summary>
    public NodeId Id { get; } = id;

    /// <summary>Names it in requests, and is nobody else's to know.</summary>
    public NodeId Token { get; } = token;

    public string Name
    {
        get;
        init => (field, NameUtf8) = (value, System.Text.Encoding.UTF8.GetBytes(value));
    } = "";

    /// <summary>Its name in UTF-8.</summary>
    public byte[] NameUtf8 { get; private set; } = [];

    /// <summary>What the client application says of itself.</summary>
    public ApplicationDescription Client { get; init; } = new();

    /// <summary>The address by which the client has connected.</summary>
    public string EndpointUrl { get; init; } = "";

    /// <summary>How long it lives without a request.</summary>
    public TimeSpan Timeout { get; init; }

    /// <summary>The largest response the client takes, in bytes; 0 if it does not say.</summary>
    public uint MaxResponseBytes { get; init; }

    /// <summary>The client's certificate as it was shown at its creation.</summary>
    public byte[] ClientCertificate { get; init; } = [];

    /// <summary>When it was created, in UA ticks.</summary>
    public long CreatedAt { get; init; }

    /// <summary>The channel it is bound to. Changes when it is activated on another.</summary>
    public ChannelSecurity Channel { get; set; } = ChannelSecurity.Nothing;

    /// <summary>Who it is for; <see langword="null"/> until it is activated. May change with a later activation, to the same tenant only.</summary>
    public SessionIdentity? Identity { get; set; }

    /// <summary>Who it is for.</summary>
    /// <exception cref="InvalidOperationException">It is not activated: no service is called then.</exception>
    public SessionIdentity ActiveIdentity => Identity ?? throw new InvalidOperationException("The session is not activated.");

    /// <summary>The tenant whose address space it sees.</summary>
    public TenantId Tenant => ActiveIdentity.Tenant;

    public bool IsActivated => Identity is not null;

    public bool IsClosed => Volatile.Read(ref _closed) != 0;

    /// <summary>The languages the client prefers, best first.</summary>
    public IReadOnlyList<string> Locales { get; set; } = [];

    /// <summary>What the client has to sign at the next activation. Each is used once.</summary>
    public byte[] ServerNonce { get; set; } = [];

    /// <summary>When it was last used, as <see cref="TimeProvider.GetTimestamp"/> has it.</summary>
    public long LastUsedAt { get; set; }

    public SessionCounters Counters { get; } = new();

    /// <summary>The names of those it was for, the current one last.</summary>
    public IReadOnlyList<string> UserHistory { get; private set; } = [];

    internal object?[] Slots { get; } = new object?[SessionSlots.Most];

    /// <summary>Takes the right to activate it; <see cref="EndActivation"/> gives it back.</summary>
    internal bool TryBeginActivation() => Interlocked.Exchange(ref _activating, 1) == 0;

    internal void EndActivation() => Volatile.Write(ref _activating, 0);

    /// <summary>Says whom it is for from now on.</summary>
    internal void SignIn(SessionIdentity identity)
    {
        const int mostKept = 10;
        if (UserHistory.Count == 0 || UserHistory[^1] != identity.Name)
            UserHistory = [.. UserHistory.TakeLast(mostKept - 1), identity.Name];
        Identity = identity;
    }

    /// <summary>Marks it as closed.</summary>
    /// <returns><see langword="false"/> if it was already.</returns>
    internal bool TryClose() => Interlocked.Exchange(ref _closed, 1) == 0;

    /// <summary>Lets go of what services keep in it.</summary>
    internal void DisposeSlots()
    {
        for (var i = 0; i < Slots.Length; i++)
            (Interlocked.Exchange(ref Slots[i], null) as IDisposable)?.Dispose();
    }
}
