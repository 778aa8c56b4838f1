namespace Insa.Iiot.Tenancy.Tests.Offboarding;

/// <summary>An eraser that can be held, stopped in the middle, or made to wait.</summary>
internal sealed class FaultyEraser(ITenantEraser eraser) : ITenantEraser
{
    public bool IsHeld { get; set; }

    public int Calls { get; private set; }

    /// <summary>Runs before each erasure.</summary>
    public Func<Task> BeforeErase { get; set; } = () => Task.CompletedTask;

    /// <summary>Runs after each transaction.</summary>
    public Action<TenantRows> OnStep { get; set; } = _ => { };

    public async Task<TenantErasure> EraseAsync(
        TenantId tenant,
        IProgress<TenantRows>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        Calls++;
        await BeforeErase();
        return IsHeld ? new TenantErasure(IsHeld: true, []) : await eraser.EraseAsync(tenant, new Steps(this), cancellationToken);
    }

    public Task<IReadOnlyList<TenantRows>> CountAsync(TenantId tenant, CancellationToken cancellationToken = default) =>
        eraser.CountAsync(tenant, cancellationToken);

    private sealed class Steps(FaultyEraser owner) : IProgress<TenantRows>
    {
        public void Report(TenantRows value) => owner.OnStep(value);
    }
}
