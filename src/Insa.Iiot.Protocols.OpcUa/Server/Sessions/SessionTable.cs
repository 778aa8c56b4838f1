using System.Collections.Concurrent;
using System.Security.Cryptography;
using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Diagnostics;
using Insa.Iiot.Protocols.OpcUa.SecureChannel;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Insa.Iiot.Protocols.OpcUa.Server.Sessions;

/// <summary>All sessions. Thread-safe.</summary>
internal sealed class SessionTable(
    ServiceTable services,
    IOptions<OpcUaServerOptions> options,
    OpcUaMetrics metrics,
    TimeProvider time,
    ILogger<SessionTable> logger
)
{
    /// <summary>Why a session closes of which the client has said so.</summary>
    public const string ClosedByClient = "closed";

    private const string TimeOut = "timeout";
    private const int TokenBytes = 32;

    private readonly OpcUaServerOptions _options = options.Value;
    private readonly ConcurrentDictionary<NodeId, UaSession> _sessions = new(NodeIdComparer.Instance);
    private readonly ConcurrentDictionary<NodeId, UaSession> _byId = new(NodeIdComparer.Instance);
    private readonly Lock _adding = new();

    public int Count => _sessions.Count;

    /// <summary>All sessions, at no one moment.</summary>
    public IEnumerable<UaSession> All => _sessions.Values;

    /// <summary>How many were closed because nobody used them.</summary>
    public long TimedOut { get; private set; }

    public UaSession? Find(NodeIdView token) =>
        _sessions.GetAlternateLookup<NodeIdView>().TryGetValue(token, out var session) && !session.IsClosed ? session : null;

    /// <summary>Finds a session by the id that names it to everybody.</summary>
    public UaSession? FindById(NodeIdView id) => _byId.GetAlternateLookup<NodeIdView>().TryGetValue(id, out var session) ? session : null;

    /// <summary>Adds a session that nobody has signed in to. When there are too many, the oldest such makes room.</summary>
    /// <param name="make">Makes it of its id and token.</param>
    /// <returns><see langword="null"/> if there is no room.</returns>
    public UaSession? TryAdd(Func<NodeId, NodeId, UaSession> make)
    {
        UaSession? evicted = null;
        UaSession session;
        lock (_adding)
        {
            if (_sessions.Count >= _options.MaxSessions)
            {
                evicted = _sessions.Values.Where(s => !s.IsActivated).MinBy(s => s.CreatedAt);
                if (evicted is null)
                    return null;
            }

            session = make(
                new NodeId(1, NodeIdType.Guid, Guid.NewGuid().ToByteArray()),
                new NodeId(0, NodeIdType.Opaque, RandomNumberGenerator.GetBytes(TokenBytes))
            );
            if (evicted is not null)
                Remove(evicted);
            _sessions[session.Token] = session;
            _byId[session.Id] = session;
            metrics.Sessions(1);
        }

        session.LastUsedAt = time.GetTimestamp();
        session.Channel.AddSession();
        if (evicted is not null)
            Closed(evicted, deleteSubscriptions: true, "evicted");
        return session;
    }

    /// <summary>Whether one more of a tenant's may be signed in to.</summary>
    public bool HasRoomFor(TenantId tenant) =>
        _sessions.Values.Count(session => session.Identity?.Tenant == tenant) < _options.MaxSessionsPerTenant;

    /// <summary>Binds a session to another channel.</summary>
    public static void Bind(UaSession session, ChannelSecurity channel)
    {
        if (ReferenceEquals(session.Channel, channel))
            return;
        session.Channel.RemoveSession();
        session.Channel = channel;
        channel.AddSession();
    }

    /// <summary>Closes a session.</summary>
    /// <returns><see langword="false"/> if it was closed already.</returns>
    public bool Close(UaSession session, bool deleteSubscriptions, string reason)
    {
        if (!Remove(session))
            return false;
        Closed(session, deleteSubscriptions, reason);
        return true;
    }

    /// <summary>Closes the sessions that nobody has used or signed in to for too long.</summary>
    public void Sweep()
    {
        foreach (var session in _sessions.Values)
        {
            var limit = session.IsActivated ? session.Timeout : _options.HandshakeTimeout;
            if (time.GetElapsedTime(session.LastUsedAt) <= limit || !Close(session, deleteSubscriptions: false, TimeOut))
                continue;
            if (session.IsActivated)
                TimedOut++;
        }
    }

    private bool Remove(UaSession session)
    {
        if (!session.TryClose())
            return false;
        _sessions.TryRemove(session.Token, out _);
        _byId.TryRemove(session.Id, out _);
        metrics.Sessions(-1);
        return true;
    }

    private void Closed(UaSession session, bool deleteSubscriptions, string reason)
    {
        session.Channel.RemoveSession();
        if (reason == TimeOut)
            session.Counters.Tenant?.SessionTimedOut();
        else if (reason != ClosedByClient)
            session.Counters.Tenant?.SessionAborted();
        logger.SessionClosed(session.Id.ToString(), reason);
        try
        {
            services.SessionClosed(session, deleteSubscriptions);
            session.DisposeSlots();
        }
        catch (Exception e)
        {
            logger.ServiceFailed(e);
        }
    }
}
