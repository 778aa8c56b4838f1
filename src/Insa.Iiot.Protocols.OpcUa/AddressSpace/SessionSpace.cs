using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Server.Sessions;

namespace Insa.Iiot.Protocols.OpcUa.AddressSpace;

/// <summary>A tenant's space as one session sees it, with what the session keeps there.</summary>
internal sealed class SessionSpace(UaSession session, TenantSpace space, TenantSpaces spaces) : IDisposable
{
    private SpaceUser? _user;
    private int _disposed;

    public TenantSpace Space => space;

    public UaSession Session => session;

    /// <summary>The session's user, who may be another after it was activated again.</summary>
    public SpaceUser User
    {
        get
        {
            var user = _user;
            var identity = session.ActiveIdentity;
            if (user is null || !ReferenceEquals(user.Identity, identity))
                _user = user = new SpaceUser(identity);
            return user;
        }
    }

    /// <summary>Where the session's browsing stopped.</summary>
    public BrowsePoints BrowsePoints { get; } = new();

    /// <summary>Finds a node for the session.</summary>
    /// <returns>Good; BadNodeIdInvalid, or BadNodeIdUnknown if there is no such node for it.</returns>
    public StatusCode Find(NodeIdView id, out NodeHandle node)
    {
        if (space.TryFind(id, out node) && User.MaySee(node))
            return StatusCodes.Good;
        node = default;
        return IsInvalid(id) ? StatusCodes.BadNodeIdInvalid : StatusCodes.BadNodeIdUnknown;
    }

    /// <summary>Whether an id could name no node at all.</summary>
    public static bool IsInvalid(NodeIdView id) =>
        id.IsNull || (id.Type is NodeIdType.String or NodeIdType.Opaque && id.Identifier.IsEmpty);

    /// <summary>Keeps the space for what outlives the session, until that is disposed.</summary>
    public IDisposable Hold() => new SpaceHold(spaces, space);

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
            spaces.Release(space);
    }
}
