namespace Insa.Iiot;

/// <summary>Keeps the tenant with the asynchronous flow of control.</summary>
internal sealed class TenantContextAccessor : ITenantContextAccessor
{
    private readonly AsyncLocal<Scope?> _current = new();

    public ITenantContext Current =>
        _current.Value ?? throw new InvalidOperationException("No tenant: the work was started outside a tenant's scope.");

    public IDisposable Begin(TenantId tenant)
    {
        _ = tenant.Value;
        if (_current.Value is { } outer && outer.Tenant != tenant)
            throw new InvalidOperationException("The work is already done for another tenant.");
        return _current.Value = new Scope(this, tenant, _current.Value);
    }

    private sealed class Scope(TenantContextAccessor owner, TenantId tenant, Scope? outer) : ITenantContext, IDisposable
    {
        public TenantId Tenant => tenant;

        public void Dispose() => owner._current.Value = outer;
    }
}
