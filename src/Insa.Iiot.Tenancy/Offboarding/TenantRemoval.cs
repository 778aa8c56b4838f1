using System.Globalization;
using Insa.Iiot.Tenancy.Access;
using Insa.Iiot.Tenancy.Diagnostics;
using Insa.Iiot.Tenancy.Records;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Insa.Iiot.Tenancy.Offboarding;

/// <summary>
/// Deletes tenants whose time has come, one host at a time for each. Every step can be done again: whatever fails, or whichever host, the next hour
/// goes on.
/// </summary>
internal sealed class TenantRemoval(
    WatchedControlStore store,
    AuditLog audit,
    IEnumerable<ITenantEraser> erasers,
    TimeProvider time,
    IOptions<TenancyOptions> options,
    ILogger<TenantRemoval> logger
) : BackgroundService
{
    private const int Page = 200;
    private const int Attempts = 5;

    // An entry of the audit log has 16 details at most: these, and the tables with most rows.
    private const int MostTables = 12;

    private static readonly TimeSpan Period = TimeSpan.FromHours(1);

    // What was under way on some host when the tenant was deleted has come to an end by then.
    private static readonly TimeSpan Watched = TimeSpan.FromDays(2);

    private readonly string _host = Guid.CreateVersion7().ToString("N");

    /// <summary>Looks at every tenant once.</summary>
    public async Task RunOnceAsync(CancellationToken cancellationToken)
    {
        if (erasers.FirstOrDefault() is not { } eraser)
            return;
        string? after = null;
        IReadOnlyList<ControlRecord> page;
        do
        {
            page = await store.ListAsync(ControlScope.Platform, RecordKinds.Tenant, after, Page, cancellationToken).ConfigureAwait(false);
            foreach (var record in page)
            {
                if (IsToDo(RecordJson.Read<TenantRecord>(record)))
                    await TryAsync(() => RemoveAsync(eraser, record.Id, cancellationToken), record.Id, cancellationToken)
                        .ConfigureAwait(false);
                after = record.Id;
            }
        } while (page.Count == Page);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Period, time);
        do
        {
            await TryAsync(() => RunOnceAsync(stoppingToken), tenant: "", stoppingToken).ConfigureAwait(false);
        } while (await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false));
    }

    private bool IsToDo(TenantRecord tenant)
    {
        var now = time.GetUtcNow().UtcDateTime;
        return tenant.State switch
        {
            // Without a time: it began to leave before there was one.
            TenantState.Offboarding => tenant.DueAt is null || tenant.DueAt <= now,
            TenantState.Deleted => tenant.DeletedAt is null || tenant.DeletedAt > now - Watched,
            _ => false,
        };
    }

    private async Task RemoveAsync(ITenantEraser eraser, string id, CancellationToken cancellationToken)
    {
        if (await RemovalLease.TryTakeAsync(store, time, id, _host, cancellationToken).ConfigureAwait(false) is not { } lease)
            return;
        try
        {
            await RemoveAsync(eraser, TenantId.Parse(id), lease, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            await TryAsync(() => lease.ReleaseAsync(CancellationToken.None), id, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task RemoveAsync(ITenantEraser eraser, TenantId id, RemovalLease lease, CancellationToken cancellationToken)
    {
        // Read under the lease: another host may have got here first.
        var record = await store.FindAsync(ControlScope.Platform, RecordKinds.Tenant, id.Value, cancellationToken).ConfigureAwait(false);
        if (record is null)
            return;
        var body = RecordJson.Read<TenantRecord>(record);
        if (!IsToDo(body))
            return;
        if (body.State == TenantState.Offboarding)
        {
            if (await CloseAsync(id, record, body, cancellationToken).ConfigureAwait(false) is not { } closed)
                return;
            (record, body) = closed;
        }
        else if (body.DeletedAt is not null && await IsGoneAsync(eraser, id, cancellationToken).ConfigureAwait(false))
        {
            return;
        }

        await LeaveUsersAsync(id, cancellationToken).ConfigureAwait(false);
        var erasure = await lease.WhileHeldAsync(token => eraser.EraseAsync(id, null, token), cancellationToken).ConfigureAwait(false);
        if (erasure.IsHeld)
        {
            logger.TenantHeld(id.Value);
            return;
        }

        if (!await IsGoneAsync(eraser, id, cancellationToken).ConfigureAwait(false))
        {
            logger.TenantNotEmpty(id.Value);
            return;
        }

        await audit.AppendAsync(ControlScope.Platform, EventOf(id, body, erasure.Deleted), cancellationToken).ConfigureAwait(false);
        await FinishAsync(id, record, body, lease, cancellationToken).ConfigureAwait(false);
        logger.TenantDeleted(id.Value, erasure.Deleted.Sum(rows => rows.Rows));
    }

    /// <summary>From now on no host writes anything for the tenant.</summary>
    /// <returns><see langword="null"/> if its time has not come after all.</returns>
    private async Task<(ControlRecord Record, TenantRecord Body)?> CloseAsync(
        TenantId id,
        ControlRecord record,
        TenantRecord body,
        CancellationToken cancellationToken
    )
    {
        var scope = ControlScope.Of(id);
        if (await store.ListAsync(scope, RecordKinds.Child, null, 1, cancellationToken).ConfigureAwait(false) is [{ Id: var child }, ..])
        {
            logger.TenantHasSubTenant(id.Value, child);
            return null;
        }

        await new AccessRevocation(store).RevokeAsync(id, cancellationToken).ConfigureAwait(false);
        var now = time.GetUtcNow().UtcDateTime;
        var next = body.DueAt is null
            ? body with
            {
                OffboardedAt = now,
                DueAt = now + options.Value.OffboardingDelay,
            }
            : body with
            {
                State = TenantState.Deleted,
            };
        var result = await store
            .CommitAsync([ControlChange.Replace(record, RecordJson.Write(next))], cancellationToken)
            .ConfigureAwait(false);
        if (result.Outcome != ControlOutcome.Done || next.State != TenantState.Deleted)
            return null;
        return (record with { Version = record.Version + 1, Body = RecordJson.Write(next) }, next);
    }

    private async Task LeaveUsersAsync(TenantId id, CancellationToken cancellationToken)
    {
        string? after = null;
        IReadOnlyList<ControlRecord> page;
        do
        {
            page = await store.ListAsync(ControlScope.Of(id), RecordKinds.Member, after, Page, cancellationToken).ConfigureAwait(false);
            foreach (var member in page)
            {
                await LeaveUserAsync(id, member.Id, cancellationToken).ConfigureAwait(false);
                after = member.Id;
            }
        } while (page.Count == Page);
    }

    private async Task LeaveUserAsync(TenantId id, string userId, CancellationToken cancellationToken)
    {
        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            var user = await store.FindAsync(ControlScope.Platform, RecordKinds.User, userId, cancellationToken).ConfigureAwait(false);
            if (user is null || !RecordJson.Read<UserRecord>(user).Tenants.Contains(id.Value, StringComparer.Ordinal))
                return;
            var result = await store
                .CommitAsync([UserAccounts.SetTenant(user, id, isMember: false)], cancellationToken)
                .ConfigureAwait(false);
            if (result.Outcome == ControlOutcome.Done)
                return;
        }

        throw TenancyException.Changed();
    }

    private static async Task<bool> IsGoneAsync(ITenantEraser eraser, TenantId id, CancellationToken cancellationToken) =>
        (await eraser.CountAsync(id, cancellationToken).ConfigureAwait(false)).All(table => table.Rows == 0);

    private async Task FinishAsync(
        TenantId id,
        ControlRecord record,
        TenantRecord body,
        RemovalLease lease,
        CancellationToken cancellationToken
    )
    {
        var last = body.ToTombstone(body.DeletedAt ?? time.GetUtcNow().UtcDateTime);
        var changes = new List<ControlChange> { lease.Expect(), ControlChange.Replace(record, RecordJson.Write(last)) };
        if (body.Parent is { } parent)
        {
            var child = await store
                .FindAsync(ControlScope.Of(TenantId.Parse(parent)), RecordKinds.Child, id.Value, cancellationToken)
                .ConfigureAwait(false);
            if (child is not null)
            {
                changes.Add(ControlChange.Delete(child));
                changes.Add(ControlChange.Count(TenantId.Parse(parent), TenantCounters.Children, -1));
            }
        }

        var result = await store.CommitAsync(changes, cancellationToken).ConfigureAwait(false);

        // A child that is older than this counter was never counted.
        if (result.Outcome == ControlOutcome.Empty)
            result = await store.CommitAsync(changes[..^1], cancellationToken).ConfigureAwait(false);
        if (result.Outcome != ControlOutcome.Done)
            throw TenancyException.Changed();
    }

    private static AuditEvent EventOf(TenantId id, TenantRecord body, IReadOnlyList<TenantRows> deleted)
    {
        var details = new Dictionary<string, string>(StringComparer.Ordinal) { ["rows"] = Text(deleted.Sum(table => table.Rows)) };
        if (body.OffboardedAt is { } since)
            details["offboarded"] = since.ToString("O", CultureInfo.InvariantCulture);
        foreach (var table in deleted.OrderByDescending(table => table.Rows).Take(MostTables))
            details[table.Table] = Text(table.Rows);
        return new AuditEvent
        {
            Actor = Actor.Platform.UserId,
            Action = "tenant.erase",
            Target = id.Value,
            Details = details,
        };
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    private async Task TryAsync(Func<Task> action, string tenant, CancellationToken cancellationToken)
    {
        try
        {
            await action().ConfigureAwait(false);
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            logger.RemovalFailed(e, tenant);
        }
    }
}
