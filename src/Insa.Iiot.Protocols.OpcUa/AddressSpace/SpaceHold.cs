namespace Insa.Iiot.Protocols.OpcUa.AddressSpace;

/// <summary>Keeps a tenant's space up to date without a session.</summary>
internal sealed class SpaceHold : IDisposable
{
    private readonly TenantSpaces _spaces;
    private TenantSpace? _space;

    public SpaceHold(TenantSpaces spaces, TenantSpace space)
    {
        (_spaces, _space) = (spaces, space);
        spaces.Hold(space);
    }

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _space, null) is { } space)
            _spaces.Release(space);
    }
}
