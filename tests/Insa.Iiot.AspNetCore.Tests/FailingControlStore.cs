using Microsoft.Extensions.DependencyInjection;

namespace Insa.Iiot.AspNetCore.Tests;

/// <summary>A control store whose commits can be made to fail, as one whose server is away.</summary>
internal sealed class FailingControlStore : IControlStore
{
    private IControlStore _store = null!;

    public bool Fails { get; set; }

    /// <summary>Puts itself before the store that is registered.</summary>
    public void Wrap(IServiceCollection services)
    {
        var registered = services.Last(service => service.ServiceType == typeof(IControlStore));
        services.Remove(registered);
        services.AddSingleton<IControlStore>(provider =>
        {
            _store = (IControlStore)(
                registered.ImplementationFactory?.Invoke(provider)
                ?? ActivatorUtilities.CreateInstance(provider, registered.ImplementationType!)
            );
            return this;
        });
    }

    public ValueTask<ControlRecord?> FindAsync(ControlScope scope, string kind, string id, CancellationToken cancellationToken = default) =>
        _store.FindAsync(scope, kind, id, cancellationToken);

    public ValueTask<ControlRecord?> FindByKeyAsync(
        ControlScope scope,
        string kind,
        string key,
        CancellationToken cancellationToken = default
    ) => _store.FindByKeyAsync(scope, kind, key, cancellationToken);

    public ValueTask<IReadOnlyList<ControlRecord>> ListAsync(
        ControlScope scope,
        string kind,
        string? after,
        int limit,
        CancellationToken cancellationToken = default
    ) => _store.ListAsync(scope, kind, after, limit, cancellationToken);

    public ValueTask<IReadOnlyList<ControlCounter>> ReadCountersAsync(TenantId tenant, CancellationToken cancellationToken = default) =>
        _store.ReadCountersAsync(tenant, cancellationToken);

    public ValueTask<ControlResult> CommitAsync(IReadOnlyList<ControlChange> changes, CancellationToken cancellationToken = default) =>
        Fails ? throw new TelemetryStoreException("The store is away.", isTransient: true) : _store.CommitAsync(changes, cancellationToken);
}
