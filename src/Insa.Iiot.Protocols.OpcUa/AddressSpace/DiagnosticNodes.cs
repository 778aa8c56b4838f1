using System.Buffers.Binary;
using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Server.Sessions;
using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.AddressSpace;

/// <summary>
/// The nodes of diagnostics (OPC 10000-5 §6.3): those that are always there, and those of a tenant's sessions and subscriptions, which come and go. Thread-safe.
/// </summary>
internal sealed class DiagnosticNodes
{
    /// <summary>The namespace of their ids: the server's own.</summary>
    public const ushort Namespace = 1;

    /// <summary>The longest identifier: that of a session and a declaration's id.</summary>
    public const int IdBytes = SessionIdBytes + sizeof(uint);

    private const int SessionIdBytes = 16;
    private const int SubscriptionIdBytes = sizeof(uint);

    private readonly StandardNodes _nodes;
    private readonly HashSet<int> _static = [];
    private readonly HashSet<int> _security = [];
    private readonly Dictionary<int, Func<SessionDiagnosticsDataType, Variant>> _ofSession = [];
    private readonly Dictionary<int, Func<SessionSecurityDiagnosticsDataType, Variant>> _ofSecurity = [];
    private readonly Dictionary<int, Func<SubscriptionDiagnosticsDataType, Variant>> _ofSubscription = [];
    private readonly Lazy<ISessionDiagnostics> _sessions;
    private readonly Lazy<ISubscriptionDiagnostics> _subscriptions;

    public DiagnosticNodes(StandardNodes nodes, Lazy<ISessionDiagnostics> sessions, Lazy<ISubscriptionDiagnostics> subscriptions)
    {
        (_nodes, _sessions, _subscriptions) = (nodes, sessions, subscriptions);
        EnabledFlag = nodes.IndexOf(NodeIds.Server_ServerDiagnostics_EnabledFlag);
        Sessions = nodes.IndexOf(NodeIds.Server_ServerDiagnostics_SessionsDiagnosticsSummary);
        SessionArray = nodes.IndexOf(NodeIds.Server_ServerDiagnostics_SessionsDiagnosticsSummary_SessionDiagnosticsArray);
        SecurityArray = nodes.IndexOf(NodeIds.Server_ServerDiagnostics_SessionsDiagnosticsSummary_SessionSecurityDiagnosticsArray);
        SubscriptionArray = nodes.IndexOf(NodeIds.Server_ServerDiagnostics_SubscriptionDiagnosticsArray);
        SessionType = nodes.IndexOf(NodeIds.SessionDiagnosticsObjectType);
        SubscriptionType = nodes.IndexOf(NodeIds.SubscriptionDiagnosticsType);
        foreach (var child in ChildrenOf(SessionType))
        {
            switch (System.Text.Encoding.UTF8.GetString(nodes.BrowseNameOf(child)))
            {
                case "SessionDiagnostics":
                    SessionVariable = child;
                    AddMembers(child, DiagnosticMembers.OfSession, _ofSession);
                    break;
                case "SessionSecurityDiagnostics":
                    SecurityVariable = child;
                    AddMembers(child, DiagnosticMembers.OfSecurity, _ofSecurity);
                    _security.UnionWith([child, .. ChildrenOf(child)]);
                    break;
                default:
                    SessionSubscriptions = child;
                    break;
            }
        }

        AddMembers(SubscriptionType, DiagnosticMembers.OfSubscription, _ofSubscription);
        AddStatic(nodes.IndexOf(NodeIds.Server_ServerDiagnostics));
        _security.Add(SecurityArray);
    }

    public int EnabledFlag { get; }

    /// <summary>The object with an object for each session.</summary>
    public int Sessions { get; }

    public int SessionArray { get; }

    public int SecurityArray { get; }

    public int SubscriptionArray { get; }

    public int SessionType { get; }

    /// <summary>The declarations of what a session's object has.</summary>
    public int SessionVariable { get; }

    public int SecurityVariable { get; }

    public int SessionSubscriptions { get; }

    public int SubscriptionType { get; }

    /// <summary>Whether a node that is always there has nothing to say while diagnostics are off.</summary>
    public bool IsStatic(int declaration) => _static.Contains(declaration);

    /// <summary>Whether a node tells how others sign in.</summary>
    public bool IsSecurity(int declaration) => _security.Contains(declaration);

    public bool IsEnabled(TenantId tenant) => _sessions.Value.IsEnabled(tenant);

    public void SetEnabled(TenantId tenant, bool isEnabled) => _sessions.Value.SetEnabled(tenant, isEnabled);

    /// <summary>Finds a node of a session or a subscription.</summary>
    /// <returns><see langword="false"/> if the tenant has none of that id, or has switched diagnostics off.</returns>
    public bool TryFind(TenantId tenant, NodeIdView id, out NodeHandle node)
    {
        node = default;
        if (id.Type is not (NodeIdType.Guid or NodeIdType.Opaque) || !IsEnabled(tenant))
            return false;
        if (id.Type == NodeIdType.Guid)
            return TryFindSession(tenant, id, SessionType, out node);
        if (id.Identifier.Length is not (SessionIdBytes + sizeof(uint) or SubscriptionIdBytes + sizeof(uint)))
            return false;
        var owner = id.Identifier[..^sizeof(uint)];
        if (!_nodes.TryFind(0, BinaryPrimitives.ReadUInt32LittleEndian(id.Identifier[owner.Length..]), out var declaration))
            return false;
        if (owner.Length == SessionIdBytes)
        {
            return IsOfSession(declaration)
                && TryFindSession(tenant, new NodeIdView(Namespace, NodeIdType.Guid, owner), declaration, out node);
        }

        var subscription = BinaryPrimitives.ReadUInt32LittleEndian(owner);
        node = new NodeHandle(NodeKind.Subscription, declaration, Slot: unchecked((int)subscription));
        return (declaration == SubscriptionType || _ofSubscription.ContainsKey(declaration))
            && _subscriptions.Value.Find(tenant, subscription) is not null;
    }

    /// <summary>Whether a node of a session or a subscription is there still.</summary>
    public bool IsThere(TenantId tenant, in NodeHandle node) =>
        IsEnabled(tenant)
        && (node.Session is { } session ? !session.IsClosed : _subscriptions.Value.Find(tenant, node.SubscriptionId) is not null);

    /// <summary>The id of a node of a session or a subscription.</summary>
    /// <param name="node">The node.</param>
    /// <param name="bytes">Memory for it.</param>
    public NodeIdView IdOf(in NodeHandle node, Span<byte> bytes)
    {
        int length;
        if (node.Session is { } session)
        {
            if (node.Declaration == SessionType)
                return session.Id.AsView();
            session.Id.Identifier.CopyTo(bytes);
            length = SessionIdBytes;
        }
        else
        {
            BinaryPrimitives.WriteUInt32LittleEndian(bytes, node.SubscriptionId);
            length = SubscriptionIdBytes;
        }

        BinaryPrimitives.WriteUInt32LittleEndian(bytes[length..], _nodes[node.Declaration].Id);
        return new NodeIdView(Namespace, NodeIdType.Opaque, bytes[..(length + sizeof(uint))]);
    }

    /// <summary>The nodes that come and go below a node, as of now.</summary>
    /// <returns><see langword="null"/> if there never are any below it.</returns>
    public NodeHandle[]? ListBelow(TenantId tenant, in NodeHandle node)
    {
        var declaration = node.Declaration;
        if (node.Kind == NodeKind.Session)
            return declaration == SessionSubscriptions ? ListSubscriptions(tenant, node.Session) : null;
        if (node.Kind != NodeKind.Standard)
            return null;
        if (declaration == SubscriptionArray)
            return ListSubscriptions(tenant, session: null);
        if (declaration == Sessions)
            return ListSessions(tenant, SessionType);
        if (declaration == SessionArray)
            return ListSessions(tenant, SessionVariable);
        return declaration == SecurityArray ? ListSessions(tenant, SecurityVariable) : null;
    }

    /// <summary>The node that has another below it, when that comes and goes.</summary>
    /// <returns>Its index in the table of standard nodes; -1 if there is none.</returns>
    public int ParentOf(in NodeHandle node)
    {
        if (node.Declaration == SessionType)
            return Sessions;
        if (node.Declaration == SessionVariable)
            return SessionArray;
        if (node.Declaration == SecurityVariable)
            return SecurityArray;
        return node.Declaration == SubscriptionType ? SubscriptionArray : -1;
    }

    /// <summary>The value of a node of a session or a subscription that is there.</summary>
    public Variant ValueOf(TenantId tenant, in NodeHandle node)
    {
        var declaration = node.Declaration;
        if (node.Session is not { } session)
        {
            if (_subscriptions.Value.Find(tenant, node.SubscriptionId) is not { } subscription)
                return default;
            return declaration == SubscriptionType ? Variant.Of(subscription) : _ofSubscription[declaration](subscription);
        }

        if (declaration == SessionSubscriptions)
            return Variant.Of(_subscriptions.Value.ListSubscriptions(session));
        if (declaration == SessionVariable)
            return Variant.Of(_sessions.Value.Describe(session));
        if (declaration == SecurityVariable)
            return Variant.Of(_sessions.Value.DescribeSecurity(session));
        return _ofSession.TryGetValue(declaration, out var member)
            ? member(_sessions.Value.Describe(session))
            : _ofSecurity[declaration](_sessions.Value.DescribeSecurity(session));
    }

    private bool IsOfSession(int declaration) =>
        declaration == SessionVariable
        || declaration == SecurityVariable
        || declaration == SessionSubscriptions
        || _ofSession.ContainsKey(declaration)
        || _ofSecurity.ContainsKey(declaration);

    private bool TryFindSession(TenantId tenant, NodeIdView id, int declaration, out NodeHandle node)
    {
        var session = _sessions.Value.FindSession(tenant, id);
        node = session is null ? default : OfSession(session, declaration);
        return session is not null;
    }

    private NodeHandle[] ListSessions(TenantId tenant, int declaration) =>
        IsEnabled(tenant) ? Array.ConvertAll(_sessions.Value.ListSessions(tenant), session => OfSession(session, declaration)) : [];

    private NodeHandle[] ListSubscriptions(TenantId tenant, UaSession? session) =>
        IsEnabled(tenant)
            ? Array.ConvertAll(
                _subscriptions.Value.ListIds(tenant, session),
                id => new NodeHandle(NodeKind.Subscription, SubscriptionType, Slot: unchecked((int)id))
            )
            : [];

    private static NodeHandle OfSession(UaSession session, int declaration) => new(NodeKind.Session, declaration, Session: session);

    private void AddMembers<T>(int parent, IReadOnlyDictionary<string, Func<T, Variant>> members, Dictionary<int, Func<T, Variant>> found)
    {
        foreach (var child in ChildrenOf(parent))
            found.Add(child, members[System.Text.Encoding.UTF8.GetString(_nodes.BrowseNameOf(child))]);
    }

    private void AddStatic(int parent)
    {
        foreach (var child in ChildrenOf(parent))
        {
            if (child != EnabledFlag && _nodes[child].Class == NodeClass.Variable)
                _static.Add(child);
            AddStatic(child);
        }
    }

    private List<int> ChildrenOf(int parent)
    {
        var children = new List<int>();
        foreach (var reference in _nodes.ReferencesOf(parent))
        {
            if (reference.IsForward && _nodes[reference.Type].Id is NodeIds.HasComponent or NodeIds.HasProperty)
                children.Add(reference.Target);
        }

        return children;
    }
}
