using System.Threading.Channels;
using Microsoft.Extensions.Options;

namespace Insa.Iiot.Tenancy.Quotas;

/// <summary>What the quotas of all tenants share.</summary>
internal sealed class QuotaContext(IControlStore store, TenantDirectory directory, TimeProvider time, IOptions<TenancyOptions> options)
{
    // A tenant is in it once at most. When it is full the next message asks again.
    private readonly Channel<TenantQuota> _work = Channel.CreateBounded<TenantQuota>(2 * TenantQuotas.MaxIdle);

    public IControlStore Store => store;

    public TenantDirectory Directory => directory;

    public TenancyOptions Options => options.Value;

    /// <summary>What this host is called among those that share rates; another one after every start.</summary>
    public string HostId { get; } = Guid.NewGuid().ToString("N");

    public GateClock Clock { get; } = new(time);

    public long SnapshotLifetime { get; } = GateClock.Of(options.Value.SnapshotLifetime);

    public DateTime UtcNow => time.GetUtcNow().UtcDateTime;

    public ChannelReader<TenantQuota> Work => _work.Reader;

    public bool TryEnqueue(TenantQuota quota) => _work.Writer.TryWrite(quota);
}
