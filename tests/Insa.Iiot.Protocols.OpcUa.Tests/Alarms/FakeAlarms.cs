namespace Insa.Iiot.Protocols.OpcUa.Tests.Alarms;

/// <summary>Alarms that come and go when a test says so.</summary>
internal sealed class FakeAlarms(TimeProvider time) : IAlarmSource
{
    private readonly Dictionary<(TenantId, string), AlarmState> _alarms = [];
    private readonly Lock _gate = new();

    public event Action<AlarmState>? Changed;

    /// <summary>What users have done.</summary>
    public List<(TenantId Tenant, AlarmAction Action)> Actions { get; } = [];

    /// <summary>Whether the store cannot be reached.</summary>
    public bool IsDown { get; set; }

    /// <summary>What an action comes to, whatever the alarm is like.</summary>
    public AlarmActionResult? Answer { get; set; }

    /// <summary>Holds reads back until it is completed.</summary>
    public TaskCompletionSource? Held { get; set; }

    public bool IsFollowed => Changed is not null;

    /// <summary>Raises an alarm, or changes it.</summary>
    public AlarmState Set(
        TenantId tenant,
        string alarm = "hot",
        string device = "press-1",
        bool isActive = true,
        bool isAcknowledged = false,
        int severity = 700,
        bool isTold = true,
        AlarmComment? comment = null
    )
    {
        AlarmState state;
        lock (_gate)
        {
            state = new AlarmState
            {
                Tenant = tenant,
                AlarmId = alarm,
                Device = DeviceId.Parse(device),
                Metric = "temp",
                Name = "Too hot",
                Version = 1 + (_alarms.GetValueOrDefault((tenant, alarm))?.Version ?? 0),
                IsActive = isActive,
                IsAcknowledged = isAcknowledged,
                Severity = severity,
                Message = $"{alarm} {severity}",
                Time = time.GetUtcNow().UtcDateTime,
                Comment = comment ?? _alarms.GetValueOrDefault((tenant, alarm))?.Comment,
            };
            _alarms[(tenant, alarm)] = state;
        }

        if (isTold)
            Tell(state);
        return state;
    }

    public void Tell(AlarmState state) => Changed?.Invoke(state);

    /// <summary>Forgets an alarm and tells nobody.</summary>
    public void Forget(TenantId tenant, string alarm)
    {
        lock (_gate)
            _alarms.Remove((tenant, alarm));
    }

    public async ValueTask<IReadOnlyList<AlarmState>> ReadRetainedAsync(TenantId tenant, CancellationToken cancellationToken = default)
    {
        if (Held is { } held)
            await held.Task;
        ThrowIfDown();
        lock (_gate)
            return [.. _alarms.Values.Where(alarm => alarm.Tenant == tenant && alarm.IsRetained)];
    }

    public ValueTask<AlarmActionResult> AcknowledgeAsync(
        TenantId tenant,
        AlarmAction action,
        CancellationToken cancellationToken = default
    ) => new(Act(tenant, action, acknowledges: true));

    public ValueTask<AlarmActionResult> CommentAsync(TenantId tenant, AlarmAction action, CancellationToken cancellationToken = default) =>
        new(Act(tenant, action, acknowledges: false));

    private AlarmActionResult Act(TenantId tenant, AlarmAction action, bool acknowledges)
    {
        ThrowIfDown();
        AlarmState? alarm;
        lock (_gate)
        {
            Actions.Add((tenant, action));
            _alarms.TryGetValue((tenant, action.AlarmId), out alarm);
        }

        if (Answer is { } answer)
            return answer;
        if (alarm is null)
            return AlarmActionResult.NotFound;
        var comment = action.Comment is null
            ? null
            : new AlarmComment
            {
                Text = action.Comment,
                User = action.User,
                Time = time.GetUtcNow().UtcDateTime,
            };
        Set(
            tenant,
            alarm.AlarmId,
            alarm.Device.Value,
            alarm.IsActive,
            alarm.IsAcknowledged || acknowledges,
            alarm.Severity,
            comment: comment
        );
        return AlarmActionResult.Done;
    }

    private void ThrowIfDown()
    {
        if (IsDown)
            throw new TelemetryStoreException("down", isTransient: true);
    }
}
