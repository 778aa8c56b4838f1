using Insa.Iiot.Commands.Diagnostics;
using Insa.Iiot.Commands.Records;

namespace Insa.Iiot.Commands;

/// <summary>
/// Queues of commands as records of the control store. Commands that are open and those that are closed are of two kinds, so that what waits is found
/// without reading what is over. Every change that opens or closes one replaces the record of the device's queue, whose version decides races.
/// </summary>
internal sealed class DeviceCommandQueue(IControlStore store, TimeProvider time, CommandNews news, CommandMetrics metrics) : IDeviceCommands
{
    private const int Attempts = 32;

    public event Action<TenantId, DeviceId>? Changed
    {
        add => news.Changed += value;
        remove => news.Changed -= value;
    }

    public async ValueTask<DeviceCommand> SendAsync(
        TenantId tenant,
        DeviceId device,
        DeviceCommandRequest request,
        CancellationToken cancellationToken = default
    )
    {
        CommandRules.Check(request);
        var scope = ControlScope.Of(tenant);
        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            var queue = await FindQueueAsync(scope, device, cancellationToken).ConfigureAwait(false);
            var (last, open) = queue is null ? new QueueRecord(0, 0) : RecordJson.Read<QueueRecord>(queue);
            if (open >= IDeviceCommands.MaxOpen)
            {
                if (await ExpireAsync(tenant, device, cancellationToken).ConfigureAwait(false) > 0)
                    continue;
                metrics.Refused();
                throw new LimitReachedException("open commands of one device");
            }

            var id = last + 1;
            var now = time.GetUtcNow();
            var command = new CommandRecord(
                request.Name,
                request.Data.ToArray(),
                request.NeedsAnswer,
                now.UtcDateTime,
                (now + request.Lifetime).UtcDateTime,
                DeviceCommandState.Waiting
            );
            var told = CommandNews.Make(tenant, device, now);
            List<ControlChange> changes =
            [
                Put(scope, device, queue, new QueueRecord(id, open + 1)),
                ControlChange.Insert(scope, CommandKeys.Open, CommandKeys.OpenId(device, id), RecordJson.Write(command)),
                told,
            ];
            if (await FindClosedAsync(scope, device, id - IDeviceCommands.MaxKept, cancellationToken).ConfigureAwait(false) is { } oldest)
                changes.Add(ControlChange.Delete(oldest));
            var result = await store.CommitAsync(changes, cancellationToken).ConfigureAwait(false);
            if (result.Outcome != ControlOutcome.Done)
                continue;
            metrics.Sent();
            news.Tell(told, tenant, device);
            return ToCommand(device, id, command);
        }

        throw Contended();
    }

    public async ValueTask<IReadOnlyList<DeviceCommand>> ReadOpenAsync(
        TenantId tenant,
        DeviceId device,
        CancellationToken cancellationToken = default
    )
    {
        var records = await ListOpenAsync(ControlScope.Of(tenant), device, cancellationToken).ConfigureAwait(false);
        var open = new List<DeviceCommand>(records.Count);
        foreach (var record in records)
        {
            var command = Read(device, record);
            if (command.State != DeviceCommandState.Expired)
                open.Add(command);
        }

        if (open.Count < records.Count)
            await ExpireAsync(tenant, device, cancellationToken).ConfigureAwait(false);
        return open;
    }

    public async ValueTask<IReadOnlyList<DeviceCommand>> ListAsync(
        TenantId tenant,
        DeviceId device,
        long? before,
        int limit,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(limit);
        var scope = ControlScope.Of(tenant);
        var first = before ?? long.MaxValue;

        // What is closed meanwhile is found twice, never missed.
        var open = await ListOpenAsync(scope, device, cancellationToken).ConfigureAwait(false);
        var after = before is { } id ? CommandKeys.ClosedId(device, id) : CommandKeys.PrefixOf(device);
        var closed = await store.ListAsync(scope, CommandKeys.Closed, after, limit, cancellationToken).ConfigureAwait(false);
        var ofDevice = closed.TakeWhile(record => record.Id.StartsWith(CommandKeys.PrefixOf(device), StringComparison.Ordinal));
        return
        [
            .. ofDevice
                .Concat(open)
                .Where(record => CommandKeys.IdOf(record) < first)
                .DistinctBy(CommandKeys.IdOf)
                .OrderByDescending(CommandKeys.IdOf)
                .Take(limit)
                .Select(record => Read(device, record)),
        ];
    }

    public async ValueTask<DeviceCommand?> FindAsync(
        TenantId tenant,
        DeviceId device,
        long id,
        CancellationToken cancellationToken = default
    )
    {
        if (id <= 0)
            return null;
        var scope = ControlScope.Of(tenant);
        var record =
            await store.FindAsync(scope, CommandKeys.Open, CommandKeys.OpenId(device, id), cancellationToken).ConfigureAwait(false)
            ?? await FindClosedAsync(scope, device, id, cancellationToken).ConfigureAwait(false);
        return record is null ? null : Read(device, record);
    }

    public async ValueTask ConfirmAsync(
        TenantId tenant,
        DeviceId device,
        IReadOnlyList<long> ids,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(ids);
        var now = time.GetUtcNow().UtcDateTime;
        await ChangeAsync(
                tenant,
                device,
                (id, command) =>
                    command.State != DeviceCommandState.Waiting || !ids.Contains(id) ? null
                    : command.NeedsAnswer ? command with { State = DeviceCommandState.Delivered, DeliveredAt = now }
                    : command with { State = DeviceCommandState.Delivered, DeliveredAt = now, ClosedAt = now },
                cancellationToken
            )
            .ConfigureAwait(false);
    }

    public async ValueTask<DeviceCommand?> AnswerAsync(
        TenantId tenant,
        DeviceId device,
        long id,
        DeviceCommandAnswer answer,
        CancellationToken cancellationToken = default
    )
    {
        CommandRules.Check(answer);
        var now = time.GetUtcNow().UtcDateTime;
        await ChangeAsync(
                tenant,
                device,
                (one, command) =>
                    one == id
                        ? command with
                        {
                            State = answer.IsSuccess ? DeviceCommandState.Succeeded : DeviceCommandState.Failed,
                            DeliveredAt = command.DeliveredAt ?? now,
                            ClosedAt = now,
                            Answer = new AnswerRecord(answer.IsSuccess, answer.ContentType, answer.Data.ToArray()),
                        }
                        : null,
                cancellationToken
            )
            .ConfigureAwait(false);
        return await FindAsync(tenant, device, id, cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask<DeviceCommand?> CancelAsync(
        TenantId tenant,
        DeviceId device,
        long id,
        CancellationToken cancellationToken = default
    )
    {
        var now = time.GetUtcNow().UtcDateTime;
        await ChangeAsync(
                tenant,
                device,
                (one, command) => one == id ? command with { State = DeviceCommandState.Cancelled, ClosedAt = now } : null,
                cancellationToken,
                isNews: true
            )
            .ConfigureAwait(false);
        return await FindAsync(tenant, device, id, cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask ClearAsync(TenantId tenant, DeviceId device, CancellationToken cancellationToken = default)
    {
        var scope = ControlScope.Of(tenant);
        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            if (await FindQueueAsync(scope, device, cancellationToken).ConfigureAwait(false) is not { } queue)
                return;
            var open = await ListOpenAsync(scope, device, cancellationToken).ConfigureAwait(false);
            var closed = await store
                .ListAsync(scope, CommandKeys.Closed, CommandKeys.PrefixOf(device), IDeviceCommands.MaxKept, cancellationToken)
                .ConfigureAwait(false);
            var ofDevice = closed.TakeWhile(record => record.Id.StartsWith(CommandKeys.PrefixOf(device), StringComparison.Ordinal));
            List<ControlChange> changes = [ControlChange.Delete(queue), .. open.Concat(ofDevice).Select(ControlChange.Delete)];
            var result = await store.CommitAsync(changes, cancellationToken).ConfigureAwait(false);
            if (result.Outcome == ControlOutcome.Done)
                return;
        }

        throw Contended();
    }

    private static TelemetryStoreException Contended() =>
        new("The commands of one device are changed by too many at once.", isTransient: true);

    private static ControlChange Put(ControlScope scope, DeviceId device, ControlRecord? queue, QueueRecord body) =>
        queue is null
            ? ControlChange.Insert(scope, CommandKeys.Queue, device.Value, RecordJson.Write(body))
            : ControlChange.Replace(queue, RecordJson.Write(body));

    private static DeviceCommand ToCommand(DeviceId device, long id, CommandRecord record) =>
        new()
        {
            Device = device,
            Id = id,
            Name = record.Name,
            Data = record.Data,
            NeedsAnswer = record.NeedsAnswer,
            CreatedAt = record.CreatedAt,
            ExpiresAt = record.ExpiresAt,
            State = record.State,
            DeliveredAt = record.DeliveredAt,
            ClosedAt = record.ClosedAt,
            Answer = record.Answer is { } answer
                ? new DeviceCommandAnswer
                {
                    IsSuccess = answer.IsSuccess,
                    ContentType = answer.ContentType,
                    Data = answer.Data,
                }
                : null,
        };

    // What is too late is so from its time on, not from when somebody notices.
    private DeviceCommand Read(DeviceId device, ControlRecord record)
    {
        var command = ToCommand(device, CommandKeys.IdOf(record), RecordJson.Read<CommandRecord>(record));
        return record.Kind == CommandKeys.Open && command.ExpiresAt <= time.GetUtcNow().UtcDateTime
            ? command with
            {
                State = DeviceCommandState.Expired,
                ClosedAt = command.ExpiresAt,
            }
            : command;
    }

    private ValueTask<ControlRecord?> FindQueueAsync(ControlScope scope, DeviceId device, CancellationToken cancellationToken) =>
        store.FindAsync(scope, CommandKeys.Queue, device.Value, cancellationToken);

    private async ValueTask<ControlRecord?> FindClosedAsync(
        ControlScope scope,
        DeviceId device,
        long id,
        CancellationToken cancellationToken
    ) =>
        id <= 0
            ? null
            : await store.FindAsync(scope, CommandKeys.Closed, CommandKeys.ClosedId(device, id), cancellationToken).ConfigureAwait(false);

    private async ValueTask<List<ControlRecord>> ListOpenAsync(ControlScope scope, DeviceId device, CancellationToken cancellationToken)
    {
        var prefix = CommandKeys.PrefixOf(device);
        var records = await store
            .ListAsync(scope, CommandKeys.Open, prefix, IDeviceCommands.MaxOpen, cancellationToken)
            .ConfigureAwait(false);
        return [.. records.TakeWhile(record => record.Id.StartsWith(prefix, StringComparison.Ordinal))];
    }

    private async ValueTask<int> ExpireAsync(TenantId tenant, DeviceId device, CancellationToken cancellationToken) =>
        await ChangeAsync(tenant, device, (_, _) => null, cancellationToken).ConfigureAwait(false);

    /// <summary>Changes open commands; those that are too late expire with it.</summary>
    /// <returns>How many were changed.</returns>
    private async ValueTask<int> ChangeAsync(
        TenantId tenant,
        DeviceId device,
        Func<long, CommandRecord, CommandRecord?> change,
        CancellationToken cancellationToken,
        bool isNews = false
    )
    {
        var scope = ControlScope.Of(tenant);
        var closed = new List<DeviceCommandState>();
        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            closed.Clear();
            if (await FindQueueAsync(scope, device, cancellationToken).ConfigureAwait(false) is not { } queue)
                return 0;
            var (last, open) = RecordJson.Read<QueueRecord>(queue);
            var now = time.GetUtcNow();
            var changes = new List<ControlChange>();
            var changed = 0;
            foreach (var record in await ListOpenAsync(scope, device, cancellationToken).ConfigureAwait(false))
            {
                var command = RecordJson.Read<CommandRecord>(record);
                var id = CommandKeys.IdOf(record);
                var wanted =
                    command.ExpiresAt <= now.UtcDateTime
                        ? command with
                        {
                            State = DeviceCommandState.Expired,
                            ClosedAt = command.ExpiresAt,
                        }
                        : change(id, command);
                if (wanted is null)
                    continue;
                changed++;
                if (wanted.ClosedAt is null)
                {
                    changes.Add(ControlChange.Replace(record, RecordJson.Write(wanted)));
                    continue;
                }

                closed.Add(wanted.State);
                changes.Add(ControlChange.Delete(record));
                if (id > last - IDeviceCommands.MaxKept)
                    changes.Add(
                        ControlChange.Insert(scope, CommandKeys.Closed, CommandKeys.ClosedId(device, id), RecordJson.Write(wanted))
                    );
            }

            if (changed == 0)
                return 0;
            changes.Insert(0, Put(scope, device, queue, new QueueRecord(last, open - closed.Count)));
            var told = isNews ? CommandNews.Make(tenant, device, now) : null;
            if (told is not null)
                changes.Add(told);
            var result = await store.CommitAsync(changes, cancellationToken).ConfigureAwait(false);
            if (result.Outcome != ControlOutcome.Done)
                continue;
            foreach (var state in closed)
                metrics.Closed(state);
            if (told is not null)
                news.Tell(told, tenant, device);
            return changed;
        }

        throw Contended();
    }
}
