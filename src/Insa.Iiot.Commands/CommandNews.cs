using System.Globalization;
using System.Security.Cryptography;
using Insa.Iiot.Commands.Diagnostics;
using Insa.Iiot.Commands.Records;
using Microsoft.Extensions.Logging;

namespace Insa.Iiot.Commands;

/// <summary>Tells the adapters of this host and the other hosts which devices have new commands. News is a hint: what holds is the queue.</summary>
internal sealed class CommandNews(IControlStore store, TimeProvider time, ILogger<CommandNews> logger)
{
    private const int PageSize = 1000;

    // Clocks of hosts differ, and a commit may take its time: so long back is asked each time.
    private static readonly TimeSpan Overlap = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(2);

    private readonly HashSet<string> _seen = new(StringComparer.Ordinal);
    private readonly Lock _sync = new();

    public event Action<TenantId, DeviceId>? Changed;

    /// <summary>How much news is remembered as told.</summary>
    public int SeenCount
    {
        get
        {
            lock (_sync)
                return _seen.Count;
        }
    }

    public static ControlChange Make(TenantId tenant, DeviceId device, DateTimeOffset now) =>
        ControlChange.Insert(
            ControlScope.Platform,
            CommandKeys.News,
            IdAt(now) + RandomNumberGenerator.GetHexString(8, lowercase: true),
            RecordJson.Write(new NewsRecord(tenant.Value, device.Value))
        );

    /// <summary>Tells this host's adapters of news that is committed.</summary>
    public void Tell(ControlChange news, TenantId tenant, DeviceId device)
    {
        lock (_sync)
            _seen.Add(news.Id);
        Raise(tenant, device);
    }

    /// <summary>Tells this host's adapters what other hosts have committed.</summary>
    public async ValueTask HearAsync(CancellationToken cancellationToken)
    {
        var since = IdAt(time.GetUtcNow() - Overlap);
        lock (_sync)
            _seen.RemoveWhere(id => string.CompareOrdinal(id, since) < 0);
        if (Changed is null)
            return;
        for (var after = since; ; )
        {
            var page = await store
                .ListAsync(ControlScope.Platform, CommandKeys.News, after, PageSize, cancellationToken)
                .ConfigureAwait(false);
            foreach (var record in page)
            {
                lock (_sync)
                {
                    if (!_seen.Add(record.Id))
                        continue;
                }

                var news = RecordJson.Read<NewsRecord>(record);
                Raise(TenantId.Parse(news.Tenant), DeviceId.Parse(news.Device));
            }

            if (page.Count < PageSize)
                return;
            after = page[^1].Id;
        }
    }

    /// <summary>Deletes what every host has heard.</summary>
    public async ValueTask SweepAsync(CancellationToken cancellationToken)
    {
        var until = IdAt(time.GetUtcNow() - Lifetime);
        IReadOnlyList<ControlRecord> page;
        do
        {
            page = await store
                .ListAsync(ControlScope.Platform, CommandKeys.News, after: null, PageSize, cancellationToken)
                .ConfigureAwait(false);
            var old = page.TakeWhile(record => string.CompareOrdinal(record.Id, until) < 0).Select(ControlChange.Delete).ToList();
            if (old.Count == 0)
                return;
            var result = await store.CommitAsync(old, cancellationToken).ConfigureAwait(false);
            if (result.Outcome != ControlOutcome.Done)
                return; // another host is at it
        } while (page.Count == PageSize);
    }

    private static string IdAt(DateTimeOffset at) =>
        (at.UtcTicks / TimeSpan.TicksPerMicrosecond).ToString("x16", CultureInfo.InvariantCulture);

    private void Raise(TenantId tenant, DeviceId device)
    {
        try
        {
            Changed?.Invoke(tenant, device);
        }
        catch (Exception e)
        {
            logger.ListenerFailed(e);
        }
    }
}
