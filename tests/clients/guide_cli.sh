#!/bin/sh
# The guide that our users start from, with the AWS CLI; $1 is the CLI, $2 the data, $3 a request.
set -eu
aws=$1 data=$2 request=$3
bucket=cli-123456789012
name=$(sed -n 's/.*"HyperParameterTuningJobName": "\([^"]*\)".*/\1/p' "$request")
"$aws" s3 mb "s3://$bucket"
for channel in train validation; do
    "$aws" s3 cp --only-show-errors "$data/$channel.csv" "s3://$bucket/data/$channel/$channel.csv"
done
"$aws" sagemaker create-hyper-parameter-tuning-job --cli-input-json "file://$request"
describe() {
    "$aws" sagemaker describe-hyper-parameter-tuning-job \
        --hyper-parameter-tuning-job-name "$name" --query "$1" --output text
}
while [ "$(describe HyperParameterTuningJobStatus)" = InProgress ]; do sleep 1; done
[ "$(describe HyperParameterTuningJobStatus)" = Completed ]
[ "$(describe TrainingJobStatusCounters.Completed)" = 6 ]
best=$(describe BestTrainingJob.TrainingJobName)
"$aws" sagemaker list-training-jobs-for-hyper-parameter-tuning-job \
    --hyper-parameter-tuning-job-name "$name" --sort-by FinalObjectiveMetricValue \
    --sort-order Descending --max-items 1 --output text \
    --query 'TrainingJobSummaries[0].TrainingJobName' | grep -q "$best"
model=$("$aws" sagemaker describe-training-job --training-job-name "$best" --output text \
    --query ModelArtifacts.S3ModelArtifacts)
image=683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1
"$aws" sagemaker create-model --model-name cli-best \
    --execution-role-arn arn:aws:iam::123456789012:role/LocalSageMakerRole \
    --primary-container "Image=$image,ModelDataUrl=$model"
"$aws" sagemaker create-endpoint-config --endpoint-config-name cli-best --production-variants \
    VariantName=AllTraffic,ModelName=cli-best,InstanceType=ml.m5.large,InitialInstanceCount=1
"$aws" sagemaker create-endpoint --endpoint-name cli-best --endpoint-config-name cli-best
until [ "$("$aws" sagemaker describe-endpoint --endpoint-name cli-best --output text \
    --query EndpointStatus)" = InService ]; do sleep 1; done
head -n 3 "$data/validation.csv" | cut -d, -f2- >"$data/rows.csv"
"$aws" sagemaker-runtime invoke-endpoint --endpoint-name cli-best --content-type text/csv \
    --accept application/json --body "fileb://$data/rows.csv" "$data/answer.json"
grep -q predictions "$data/answer.json"
"$aws" sagemaker delete-endpoint --endpoint-name cli-best
echo "the guide ran whole"
